#include "runtime/condition.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Order = std::vector<int>;

// A deadline that no test reaches.
TimePoint far_away() { return deadline_after(now(), 1h); }

Task<> note_wait(Condition& condition, Order& woken, int id) {
  co_await condition.wait();
  woken.push_back(id);
}

Task<> note_wait_until(Condition& condition, TimePoint deadline, Order& woken, int id) {
  woken.push_back(co_await condition.wait_until(deadline) ? id : -id);
}

TEST(Condition, WakesOneAfterTheOtherInTheOrderOfWaiting) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int id = 1; id <= 3; ++id) {
        group.spawn("waiter", note_wait, std::ref(condition), std::ref(woken), id);
      }
      co_await yield();
      condition.notify_one();
      EXPECT_EQ(woken, Order{}) << "nobody runs inside notify_one";
      co_await yield();
      EXPECT_EQ(woken, Order({1}));
      condition.notify_one();
      condition.notify_one();
    });
    EXPECT_EQ(woken, Order({1, 2, 3}));
  }());
}

TEST(Condition, WakesAllWhoWaitAndNobodyWhoComesLater) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      condition.notify_all();
      group.spawn("first", note_wait, std::ref(condition), std::ref(woken), 1);
      group.spawn("second", note_wait_until, std::ref(condition), far_away(), std::ref(woken), 2);
      co_await yield();
      condition.notify_all();
      group.spawn("late", note_wait, std::ref(condition), std::ref(woken), 3);
      co_await yield();
      co_await yield();
      EXPECT_EQ(woken, Order({1, 2}));
      condition.notify_all();
    });
    EXPECT_EQ(woken, Order({1, 2, 3}));
  }());
}

TEST(Condition, GivesUpAtTheDeadline) {
  run([]() -> Task<> {
    Condition condition;
    const TimePoint deadline = now() + 2ms;
    const bool notified = co_await condition.wait_until(deadline);
    EXPECT_FALSE(notified);
    EXPECT_GE(now(), deadline);
    condition.notify_all();  // it waits no more
  }());
}

TEST(Condition, GivesUpAtOnceAfterTheDeadline) {
  run([]() -> Task<> {
    Condition condition;
    const bool notified = co_await condition.wait_until(now() - 1ms);
    EXPECT_FALSE(notified);
  }());
}

TEST(Condition, WaitsForEverUntilNever) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("waiter", note_wait_until, std::ref(condition), kNever, std::ref(woken), 1);
      co_await yield();
      EXPECT_EQ(Loop::current().timers().size(), 0U);
      condition.notify_one();
    });
    EXPECT_EQ(woken, Order({1}));
  }());
}

TEST(Condition, ANotifiedWaiterLeavesNoTimer) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("waiter", note_wait_until, std::ref(condition), far_away(), std::ref(woken), 1);
      co_await yield();
      EXPECT_EQ(Loop::current().timers().size(), 1U);
      condition.notify_one();
      EXPECT_EQ(Loop::current().timers().size(), 0U);
    });
    EXPECT_EQ(woken, Order({1}));
  }());
}

// The one whose deadline passed has left the line: the notification goes to the next.
TEST(Condition, ALateNotificationIsNotWastedOnTheExpired) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("short", note_wait_until, std::ref(condition), now(), std::ref(woken), 1);
      group.spawn("long", note_wait, std::ref(condition), std::ref(woken), 2);
      while (woken.empty()) co_await yield();
      EXPECT_EQ(woken, Order({-1}));
      condition.notify_one();
    });
    EXPECT_EQ(woken, Order({-1, 2}));
  }());
}

TEST(Condition, ACanceledWaiterLeavesTheLine) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    std::array<Stoppable, 2> canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled[0], note_wait(condition, woken, 1));
      group.spawn("canceled", &Stoppable::run, &canceled[1],
                  note_wait_until(condition, far_away(), woken, 2));
      group.spawn("waiter", note_wait, std::ref(condition), std::ref(woken), 3);
      co_await yield();
      for (Stoppable& task : canceled) task.stop();
      EXPECT_EQ(Loop::current().timers().size(), 0U);
      condition.notify_one();
    });
    EXPECT_EQ(woken, Order({3}));
  }());
}

// Granted beats canceled: else the notification would be lost.
TEST(Condition, ANotificationBeatsALaterCancellation) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    std::array<Stoppable, 2> canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled[0], note_wait(condition, woken, 1));
      group.spawn("canceled", &Stoppable::run, &canceled[1],
                  note_wait_until(condition, far_away(), woken, 2));
      co_await yield();
      condition.notify_all();
      for (Stoppable& task : canceled) task.stop();
    });
    EXPECT_EQ(woken, Order({1, 2}));
  }());
}

TEST(Condition, ACancellationBeatsALaterNotification) {
  run([]() -> Task<> {
    Condition condition;
    Order woken;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, note_wait(condition, woken, 1));
      group.spawn("waiter", note_wait, std::ref(condition), std::ref(woken), 2);
      co_await yield();
      canceled.stop();
      condition.notify_one();
    });
    EXPECT_EQ(woken, Order({2}));
  }());
}

// Two take turns; a third waits with a deadline that passes.
Task<> take_turns(Condition& mine, Condition& other, int& turns) {
  for (int i = 0; i < 3; ++i) {
    co_await mine.wait();
    ++turns;
    other.notify_one();
  }
}

Task<> everything() {
  Condition ping;
  Condition pong;
  int turns = 0;
  Order woken;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("ping", take_turns, std::ref(ping), std::ref(pong), std::ref(turns));
    group.spawn("pong", take_turns, std::ref(pong), std::ref(ping), std::ref(turns));
    group.spawn("expires", note_wait_until, std::ref(ping), now(), std::ref(woken), 1);
    group.spawn("notified", note_wait_until, std::ref(pong), far_away(), std::ref(woken), 2);
    while (turns < 6) {
      ping.notify_one();
      pong.notify_one();
      co_await yield();
    }
    pong.notify_all();
  });
}

TEST(Condition, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(everything), 10); }
TEST(Condition, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(everything), 10); }
TEST(Condition, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(everything), 10);
}

Task<> destroy_under_a_waiter() {
  auto condition = std::make_unique<Condition>();
  Order woken;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("left_behind", note_wait, std::ref(*condition), std::ref(woken), 1);
    co_await yield();
    condition.reset();
  });
}

TEST(ConditionDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter()),
               "destroyed while this task waits in it.*left_behind(.|\n)*condition_test.cc");
}

}  // namespace
}  // namespace coracle
