// A leader's knowledge of a follower when its messages are delayed, reordered, doubled and lost:
// A5, A7, A9, B35.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <tuple>
#include <utility>
#include <vector>

#include "raft/progress.h"

namespace coracle::raft {
namespace {

enum class Step : std::uint8_t { append, send, beat, deliver, twice, answer, lose, forget };

std::ostream& operator<<(std::ostream& stream, Step step) {
  static constexpr const char* kNames[] = {"append", "send",   "beat", "deliver",
                                           "twice",  "answer", "lose", "forget"};
  return stream << kNames[static_cast<int>(step)];
}

using Steps = std::vector<std::tuple<Step, std::uint64_t>>;

rc::Gen<Steps> any_steps() {
  return rc::gen::container<Steps>(
      rc::gen::tuple(rc::gen::weightedElement<Step>({{3, Step::append},
                                                     {6, Step::send},
                                                     {2, Step::beat},
                                                     {5, Step::deliver},
                                                     {1, Step::twice},
                                                     {5, Step::answer},
                                                     {1, Step::lose},
                                                     {1, Step::forget}}),
                     rc::gen::inRange<std::uint64_t>(0, 1000)));
}

// The terms of two logs, by index - 1, as Raft lets them be: alike up to some entry, and then each
// of terms that the other knows nothing of; but one of them may hold more of the last common term.
struct Logs {
  std::vector<Term> leader;
  std::vector<Term> follower;
};

std::vector<int> any_rises() {
  return *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 2));
}

Logs any_logs() {
  std::vector<Term> common;
  Term term = 1;
  for (const int rise : any_rises()) common.push_back(term += static_cast<Term>(rise));
  Logs logs{.leader = common, .follower = common};
  const auto more = *rc::gen::inRange<std::size_t>(0, 6);
  std::vector<Term>& longer = *rc::gen::arbitrary<bool>() ? logs.leader : logs.follower;
  longer.insert(longer.end(), more, term);
  Term leaders = term + 1;
  Term followers = term + 2;
  for (const int rise : any_rises()) logs.leader.push_back(leaders += 2 * static_cast<Term>(rise));
  for (const int rise : any_rises()) {
    logs.follower.push_back(followers += 2 * static_cast<Term>(rise));
  }
  return logs;
}

// The rules of both sides in their plainest form, on lists of terms, with a network between them.
class Pair {
 public:
  Pair(Logs logs, std::size_t window)
      : leader_(std::move(logs.leader)), follower_(std::move(logs.follower)) {
    const Term latest = std::max(last_term(leader_), last_term(follower_));
    progress_.begin(leader_.size() + 1);
    leader_.push_back(term_ = latest + 1);  // the no-op of a leader of a new term
    limits_.window_messages = window;
    limits_.window_bytes = 40;
  }

  void perform(Step step, std::uint64_t any) {
    const LogIndex matched = progress_.matched();
    switch (step) {
      case Step::append: leader_.push_back(term_); break;
      case Step::send: send(1 + any % 4); break;
      case Step::beat: beat(); break;
      case Step::deliver: deliver(any); break;
      case Step::twice: deliver_twice(any); break;
      case Step::answer: answer(any); break;
      case Step::lose: lose(any); break;
      case Step::forget: forget(any); break;
    }
    RC_ASSERT(progress_.matched() >= matched);
    expect_sound();
  }

  // Everything that is on the way arrives or is lost, and then the network is in order.
  void settle() {
    while (!flying_.empty()) lose(0);
    RC_ASSERT(progress_.messages_in_flight() == 0U);
    RC_ASSERT(progress_.bytes_in_flight() == 0U);
    for (std::size_t rounds = 0; progress_.matched() < leader_.size(); ++rounds) {
      // One probe for each term that the logs differ in, at most, and then all at once.
      RC_ASSERT(rounds < 2 * (leader_.size() + follower_.size()) + 4);
      while (send(100)) {
      }
      if (flying_.empty()) beat();
      while (!flying_.empty()) answer(0);
      expect_sound();
    }
    RC_ASSERT(std::equal(leader_.begin(), leader_.end(), follower_.begin()));
    expect_idle();
    leader_.push_back(term_);
    RC_ASSERT(send(1));  // B35: it goes on
  }

 private:
  struct Flying {
    LogIndex previous = 0;
    Term previous_term = 0;
    std::vector<Term> entries{};
    RequestId request = 0;  // 0 for heartbeats, which are not in the window
    // The follower's answer, once it has got it.
    bool answered = false;
    std::optional<LogPosition> conflict{};
    LogIndex matched = 0;
  };

  static Term last_term(const std::vector<Term>& log) { return log.empty() ? 0 : log.back(); }
  static Term term_at(const std::vector<Term>& log, LogIndex index) {
    return index == 0 ? 0 : log[index - 1];
  }

  bool send(std::size_t count) {
    if (!progress_.may_send(leader_.size(), limits_)) return false;
    Flying message = composed();
    message.request = ++last_request_;
    const auto first = leader_.begin() + static_cast<std::ptrdiff_t>(message.previous);
    const auto room = static_cast<std::size_t>(leader_.end() - first);
    message.entries.assign(first, first + static_cast<std::ptrdiff_t>(std::min(count, room)));
    progress_.sent(message.request, message.entries.size(), bytes_of(message));
    flying_.push_back(message);
    return true;
  }
  void beat() { flying_.push_back(composed()); }
  [[nodiscard]] Flying composed() const {
    const LogIndex previous = progress_.next() - 1;
    return {.previous = previous, .previous_term = term_at(leader_, previous)};
  }
  static std::size_t bytes_of(const Flying& message) { return 10 * message.entries.size(); }

  void deliver(std::uint64_t any) {
    if (!flying_.empty()) arrive(flying_[any % flying_.size()]);
  }
  // A5: by its first arrival it is answered, by its second it changes nothing.
  void deliver_twice(std::uint64_t any) {
    if (flying_.empty()) return;
    Flying& message = flying_[any % flying_.size()];
    arrive(message);
    Flying copy = message;
    arrive(copy);
  }
  // Figure 2, "AppendEntries RPC".
  void arrive(Flying& message) {
    const bool fits = message.previous <= follower_.size() &&
                      term_at(follower_, message.previous) == message.previous_term;
    message.answered = true;
    message.conflict.reset();
    if (!fits) {
      message.conflict = conflict_with(message.previous);
      return;
    }
    LogIndex index = message.previous;
    for (const Term term : message.entries) {
      if (++index <= follower_.size() && follower_[index - 1] != term) follower_.resize(index - 1);
      if (index > follower_.size()) follower_.push_back(term);
    }
    message.matched = index;
  }
  [[nodiscard]] LogPosition conflict_with(LogIndex previous) const {
    if (previous > follower_.size()) return {.term = 0, .index = follower_.size() + 1};
    const Term term = follower_[previous - 1];
    while (previous > 1 && follower_[previous - 2] == term) --previous;
    return {.term = term, .index = previous};
  }

  void answer(std::uint64_t any) {
    if (flying_.empty()) return;
    Flying message = take(any);
    if (!message.answered) arrive(message);
    if (message.conflict) {
      const LogIndex next = progress_.next();
      const bool is_news = progress_.refuse(message.previous, look_at(*message.conflict));
      RC_ASSERT((is_news ? progress_.next() < next : progress_.next() == next));
    } else {
      progress_.accept(message.previous, message.entries.size(), message.matched);
    }
    if (message.request > 0) progress_.ended(message.request, bytes_of(message));
  }
  [[nodiscard]] LogIndex look_at(LogPosition conflict) const {
    for (LogIndex index = leader_.size(); index > 0; --index) {
      if (leader_[index - 1] == conflict.term) return index + 1;
    }
    return conflict.index;
  }

  // It, or its answer.
  void lose(std::uint64_t any) {
    if (flying_.empty()) return;
    const Flying message = take(any);
    if (message.request == 0) return;
    progress_.lost(message.request);
    progress_.ended(message.request, bytes_of(message));
  }
  // A crash of the follower, which loses entries that it has not acknowledged.
  void forget(std::uint64_t any) {
    if (follower_.size() > acknowledged_)
      follower_.resize(acknowledged_ + any % (follower_.size() - acknowledged_));
    // What it would have answered died with it.
    for (Flying& message : flying_) message.answered = false;
  }
  Flying take(std::uint64_t any) {
    const auto at = flying_.begin() + static_cast<std::ptrdiff_t>(any % flying_.size());
    const Flying message = *at;
    flying_.erase(at);
    return message;
  }

  void expect_sound() {
    acknowledged_ = std::max(acknowledged_, progress_.matched());
    RC_ASSERT(progress_.next() > progress_.matched());
    RC_ASSERT(progress_.next() <= leader_.size() + 1);
    // What is said to match does: commits are counted by it.
    RC_ASSERT(progress_.matched() <= follower_.size());
    const auto end = leader_.begin() + static_cast<std::ptrdiff_t>(progress_.matched());
    RC_ASSERT(std::equal(leader_.begin(), end, follower_.begin()));
    std::size_t messages = 0;
    std::size_t bytes = 0;
    for (const Flying& message : flying_) {
      messages += message.request > 0 ? 1 : 0;
      bytes += bytes_of(message);
    }
    RC_ASSERT(progress_.messages_in_flight() <= messages);
    RC_ASSERT(progress_.bytes_in_flight() <= bytes);
    RC_ASSERT(progress_.messages_in_flight() <= limits_.window_messages);
  }
  // B35: nothing leaks, and whoever has less than the leader is sent to.
  void expect_idle() const {
    RC_ASSERT(progress_.messages_in_flight() == 0U);
    RC_ASSERT(progress_.bytes_in_flight() == 0U);
    RC_ASSERT(progress_.may_send(leader_.size(), limits_) == (progress_.next() <= leader_.size()));
  }

  std::vector<Term> leader_;
  std::vector<Term> follower_;
  Term term_ = 0;
  Replication limits_;
  Progress progress_;
  std::vector<Flying> flying_;
  RequestId last_request_ = 0;
  LogIndex acknowledged_ = 0;
};

RC_GTEST_PROP(ProgressModel, FindsWhereTheLogsMeetAndNeverMore, ()) {
  Pair pair(any_logs(), *rc::gen::inRange<std::size_t>(1, 5));
  for (const auto& [step, any] : *any_steps()) pair.perform(step, any);
  pair.settle();
}

// Whatever is answered, and be it nonsense: no follower may stop the others.
RC_GTEST_PROP(ProgressModel, AlwaysGetsToSendAgain, ()) {
  Replication limits;
  limits.window_messages = *rc::gen::inRange<std::size_t>(1, 5);
  LogIndex last = 20;
  Progress progress;
  progress.begin(*rc::gen::inRange<LogIndex>(1, last + 1));
  RequestId last_request = 0;
  struct Sent {
    RequestId request;
    LogIndex previous;
    LogIndex entries;
  };
  std::vector<Sent> flying;
  const auto end = [&](std::uint64_t any) {
    const std::size_t at = any % flying.size();
    const Sent sent = flying[at];
    flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(at));
    const LogIndex matched = progress.matched();
    switch (any % 3) {
      case 0:
        progress.accept(sent.previous, sent.entries, any % (sent.previous + sent.entries + 1));
        break;
      case 1: progress.refuse(sent.previous, any); break;
      default: progress.lost(sent.request);
    }
    progress.ended(sent.request, sent.entries);
    RC_ASSERT(progress.matched() >= matched);
    RC_ASSERT(progress.next() > progress.matched());
    RC_ASSERT(progress.next() <= last + 1);
  };
  for (const auto any : *rc::gen::container<std::vector<std::uint64_t>>(
           rc::gen::inRange<std::uint64_t>(0, 10'000))) {
    if (any % 7 == 0) ++last;
    if (any % 2 == 0 && progress.may_send(last, limits)) {
      const LogIndex entries = 1 + any % std::min<LogIndex>(last - progress.next() + 1, 4);
      flying.push_back(
          {.request = ++last_request, .previous = progress.next() - 1, .entries = entries});
      progress.sent(last_request, entries, entries);
    } else if (!flying.empty()) {
      end(any);
    }
  }
  while (!flying.empty()) end(flying.size());
  RC_ASSERT(progress.messages_in_flight() == 0U);
  RC_ASSERT(progress.bytes_in_flight() == 0U);
  progress.accept(progress.matched(), 0, progress.matched());  // a heartbeat is answered
  RC_ASSERT(progress.may_send(progress.next(), limits));
}

}  // namespace
}  // namespace coracle::raft
