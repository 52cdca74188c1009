// A channel against a simple model, under random sends, receives, cancellations and closing.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/channel.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/stoppable.h"

namespace coracle {
namespace {

enum class Step { send, receive, try_send, try_receive, cancel, close, settle };

struct Action {
  Step step;
  std::size_t target;  // of a cancellation
};

std::ostream& operator<<(std::ostream& stream, const Action& action) {
  static constexpr const char* kNames[] = {"send",   "receive", "try_send", "try_receive",
                                           "cancel", "close",   "settle"};
  return stream << kNames[static_cast<int>(action.step)] << ' ' << action.target;
}

rc::Gen<Action> any_action() {
  return rc::gen::construct<Action>(rc::gen::weightedElement<Step>({{9, Step::send},
                                                                    {9, Step::receive},
                                                                    {6, Step::try_send},
                                                                    {6, Step::try_receive},
                                                                    {8, Step::cancel},
                                                                    {1, Step::close},
                                                                    {4, Step::settle}}),
                                    rc::gen::inRange<std::size_t>(0, 6));
}

// How each operation ended, by its number: "sent", "refused", "canceled", "got 3", "got nothing".
using Outcomes = std::vector<std::string>;

std::string got(const std::optional<int>& value) {
  return value ? "got " + std::to_string(*value) : "got nothing";
}

// The model: three queues of plain numbers, and who waits is told at once.
class Model {
 public:
  explicit Model(std::size_t capacity) : capacity_(capacity) {}

  void send(std::size_t id) {
    outcomes_.resize(id + 1);
    if (!try_send(id)) closed_ ? set(id, "refused") : senders_.push_back(id);
  }
  bool try_send(std::size_t id) {
    outcomes_.resize(id + 1);
    if (closed_) return false;
    if (!receivers_.empty()) {
      set(receivers_.front(), got(static_cast<int>(id)));
      receivers_.pop_front();
    } else if (values_.size() < capacity_) {
      values_.push_back(id);
    } else {
      return false;
    }
    set(id, "sent");
    return true;
  }
  void receive(std::size_t id) {
    const std::optional<int> value = try_receive(id);
    if (value || closed_) {
      set(id, got(value));
    } else {
      receivers_.push_back(id);
    }
  }
  std::optional<int> try_receive(std::size_t id) {
    outcomes_.resize(id + 1);
    if (!senders_.empty()) {
      set(senders_.front(), "sent");
      values_.push_back(senders_.front());
      senders_.pop_front();
    }
    if (values_.empty()) return std::nullopt;
    const auto value = static_cast<int>(values_.front());
    values_.pop_front();
    return value;
  }
  void cancel(std::size_t id) {
    if (std::erase(senders_, id) + std::erase(receivers_, id) > 0) set(id, "canceled");
  }
  void close() {
    closed_ = true;
    for (const std::size_t id : senders_) set(id, "refused");
    for (const std::size_t id : receivers_) set(id, got(std::nullopt));
    senders_.clear();
    receivers_.clear();
  }

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const Outcomes& outcomes() const { return outcomes_; }

 private:
  void set(std::size_t id, const std::string& outcome) { outcomes_[id] = outcome; }

  std::size_t capacity_;
  bool closed_ = false;
  std::deque<std::size_t> values_;
  std::deque<std::size_t> senders_;
  std::deque<std::size_t> receivers_;
  Outcomes outcomes_;
};

// One operation in a fiber of its own.
class Operation {
 public:
  Task<> send(Channel<int>& channel, int value) {
    outcome_ = "canceled";
    const bool accepted = co_await channel.send(value);
    outcome_ = accepted ? "sent" : "refused";
  }
  Task<> receive(Channel<int>& channel) {
    outcome_ = "canceled";
    outcome_ = got(co_await channel.receive());
  }
  Stoppable& stoppable() { return stoppable_; }
  [[nodiscard]] const std::string& outcome() const { return outcome_; }
  void set_outcome(std::string outcome) { outcome_ = std::move(outcome); }

 private:
  Stoppable stoppable_;
  std::string outcome_;
};

// Does the same to the channel and to the model. An operation's number is the value it sends.
class Play {
 public:
  explicit Play(std::size_t capacity) : channel_(capacity), model_(capacity) {}

  Task<> all(const std::vector<Action>& actions) {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const Action& action : actions) {
        perform(action, group);
        // Who is spawned begins before the next step; who is woken may be canceled first.
        if (action.step == Step::send || action.step == Step::receive) co_await settle();
        if (action.step == Step::settle) co_await settle();
      }
      close();
    });
  }

  void expect_equal() const {
    Outcomes outcomes;
    for (const auto& operation : operations_) outcomes.push_back(operation->outcome());
    RC_ASSERT(outcomes == model_.outcomes());
    RC_ASSERT(channel_.size() == model_.size());
  }

 private:
  static Task<> settle() {
    for (int i = 0; i < 4; ++i) co_await yield();
  }

  void perform(const Action& action, TaskGroup& group) {
    if (action.step == Step::cancel) return cancel(action.target);
    if (action.step == Step::close) return close();
    if (action.step == Step::settle) return;
    const std::size_t id = operations_.size();
    Operation& operation = *operations_.emplace_back(std::make_unique<Operation>());
    switch (action.step) {
      case Step::send: {
        model_.send(id);
        group.spawn("send", &Stoppable::run, &operation.stoppable(),
                    operation.send(channel_, static_cast<int>(id)));
        break;
      }
      case Step::receive: {
        model_.receive(id);
        group.spawn("receive", &Stoppable::run, &operation.stoppable(),
                    operation.receive(channel_));
        break;
      }
      case Step::try_send: {
        const bool accepted = channel_.try_send(static_cast<int>(id));
        RC_ASSERT(accepted == model_.try_send(id));
        if (accepted) operation.set_outcome("sent");
        break;
      }
      default: RC_ASSERT(channel_.try_receive() == model_.try_receive(id));
    }
  }

  void close() {
    channel_.close();
    model_.close();
  }

  // Stops one of the last few that were spawned and still run.
  void cancel(std::size_t target) {
    for (std::size_t id = operations_.size(); id-- > 0;) {
      Operation& operation = *operations_[id];
      const bool waits = operation.outcome() == "canceled" && !operation.stoppable().ended();
      if (!waits || target-- > 0) continue;
      operation.stoppable().stop();
      return model_.cancel(id);
    }
  }

  Channel<int> channel_;
  Model model_;
  std::vector<std::unique_ptr<Operation>> operations_;
};

RC_GTEST_PROP(ChannelModel, BehavesLikeThreeQueues, ()) {
  const auto capacity = *rc::gen::inRange<std::size_t>(0, 4);
  const auto actions = *rc::gen::container<std::vector<Action>>(any_action());
  Play play(capacity);
  run(play.all(actions));
  play.expect_equal();
}

}  // namespace
}  // namespace coracle
