// What loops on different threads tell each other, by post() and Remote. Run under ThreadSanitizer
// too.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/condition.h"
#include "runtime/latch.h"
#include "runtime/post.h"
#include "runtime/remote.h"
#include "runtime/run_on_cores.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

// Where a loop takes questions from others. Belongs to the loop that answers.
class Desk {
 public:
  struct Question {
    std::string text;
    RemoteSender<std::string> answer;
  };

  // For the loop itself.
  Task<> answer(int count) {
    for (int i = 0; i < count; ++i) {
      while (questions_.empty()) co_await changed_.wait();
      Question question = std::move(questions_.front());
      questions_.pop_front();
      question.answer.complete(question.text + "!");
    }
  }

  // For the others: `desk` is used on its own loop only.
  static bool ask(const LoopRef& loop, Desk& desk, std::string text,
                  RemoteSender<std::string> answer) {
    auto question = std::make_shared<Question>(Question{std::move(text), std::move(answer)});
    return loop.post([&desk, question] {
      desk.questions_.push_back(std::move(*question));
      desk.changed_.notify_one();
    });
  }

 private:
  std::deque<Question> questions_;
  Condition changed_;
};

// Where loops find each other: a place known once.
template <class T>
class Known {
 public:
  void set(T value) { promise_.set_value(std::move(value)); }
  const T& get() const { return future_.get(); }

 private:
  std::promise<T> promise_;
  std::shared_future<T> future_{promise_.get_future().share()};
};

struct Place {
  LoopRef loop;
  Desk* desk;
};

constexpr int kRounds = 500;

Task<> ask_many(const Place& place, std::size_t core) {
  for (int i = 0; i < kRounds; ++i) {
    Remote<std::string> remote;
    const std::string text = std::to_string(core) + ":" + std::to_string(i);
    const bool accepted = Desk::ask(place.loop, *place.desk, text, remote.sender());
    EXPECT_TRUE(accepted);
    const std::string answer = co_await remote.receive();
    EXPECT_EQ(answer, text + "!");
  }
}

TEST(BetweenLoops, QuestionsGoThereAndAnswersComeBack) {
  std::array<Desk, 3> desks;
  std::array<Known<Place>, 3> places;
  run_on_cores(3, [&](std::size_t core) -> Task<> {
    places[core].set({current_loop_ref(), &desks[core]});
    const std::size_t next = (core + 1) % 3;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("answer", &Desk::answer, &desks[core], kRounds);
      group.spawn("ask", ask_many, places[next].get(), core);
      co_return;
    });
  });
}

TEST(BetweenLoops, PostedFunctionsKeepTheirOrder) {
  constexpr int kCount = 2000;
  struct Receiver {
    LoopRef loop;
    std::vector<int>* received;
    Latch* all;
  };
  Known<Receiver> receiver;
  run_on_cores(2, [&](std::size_t core) -> Task<> {
    if (core == 0) {
      std::vector<int> received;
      Latch all(kCount);
      receiver.set({current_loop_ref(), &received, &all});
      co_await all.wait();
      EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
      co_return;
    }
    const Receiver& to = receiver.get();
    for (int i = 0; i < kCount; ++i) {
      const bool accepted = to.loop.post([to, i] {
        to.received->push_back(i);
        to.all->count_down();
      });
      EXPECT_TRUE(accepted);
      if (i % 100 == 0) co_await yield();
    }
  });
}

// From some post on the other loop takes nothing more. What it took and did not call is destroyed.
TEST(BetweenLoops, ALoopMayEndWhileOthersPostToIt) {
  const auto watched = std::make_shared<int>(7);
  Known<LoopRef> ending;
  std::atomic<int> called = 0;
  std::atomic<int> refused = 0;
  run_on_cores(3, [&](std::size_t core) -> Task<> {
    if (core == 0) {
      ending.set(current_loop_ref());
      while (called < 10) co_await yield();
      co_return;
    }
    const LoopRef loop = ending.get();
    while (loop.post([watched, &called] { ++called; })) co_await yield();
    ++refused;
  });
  EXPECT_GE(called, 10);
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(watched.use_count(), 1);
}

// A loop that ends drops the senders that were posted to it: those who wait for them learn it.
TEST(BetweenLoops, AnAnswerThatNeverComesIsAnError) {
  Known<LoopRef> ending;
  Known<bool> posted;
  run_on_cores(2, [&](std::size_t core) -> Task<> {
    if (core == 0) {
      ending.set(current_loop_ref());
      EXPECT_TRUE(posted.get());  // this loop stands still until then, and ends with it unanswered
      co_return;
    }
    Remote<int> remote;
    auto sender = std::make_shared<RemoteSender<int>>(remote.sender());
    posted.set(ending.get().post([moved = std::move(sender)] { moved->complete(1); }));
    std::optional<int> answer;
    std::error_code code;
    try {
      answer = co_await remote.receive();
    } catch (const Error& error) {
      code = error.code();
    }
    EXPECT_EQ(answer, std::nullopt);
    EXPECT_EQ(code, std::errc::owner_dead);
  });
}

// The one that waits for an answer ends: the other one's work is for nobody, and harms nobody.
TEST(BetweenLoops, WhoAskedMayEndBeforeTheAnswer) {
  Known<std::shared_ptr<RemoteSender<std::string>>> asked;
  Known<LoopRef> asking;
  run_on_cores(2, [&](std::size_t core) -> Task<> {
    if (core == 0) {
      Remote<std::string> remote;
      asked.set(std::make_shared<RemoteSender<std::string>>(remote.sender()));
      asking.set(current_loop_ref());
      co_return;
    }
    RemoteSender<std::string> sender = std::move(*asked.get());
    const LoopRef loop = asking.get();
    while (loop.post([] {})) co_await yield();  // until that loop has ended
    EXPECT_TRUE(sender.abandoned());
    EXPECT_FALSE(sender.complete("for nobody"));
  });
}

}  // namespace
}  // namespace coracle
