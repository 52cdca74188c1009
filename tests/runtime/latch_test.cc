#include "runtime/latch.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using Order = std::vector<int>;

Task<> note_wait(Latch& latch, Order& passed, int id) {
  co_await latch.wait();
  passed.push_back(id);
}

Task<> note_arrive_and_wait(Latch& latch, Order& passed, int id) {
  co_await latch.arrive_and_wait();
  passed.push_back(id);
}

TEST(Latch, OpensAtZeroAndStaysOpen) {
  run([]() -> Task<> {
    Latch latch(3);
    EXPECT_EQ(latch.left(), 3U);
    latch.count_down();
    latch.count_down(0);
    EXPECT_EQ(latch.left(), 2U);
    EXPECT_FALSE(latch.is_open());
    latch.count_down(2);
    EXPECT_TRUE(latch.is_open());
    Order order;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("other", note_wait, std::ref(latch), std::ref(order), 2);
      co_await latch.wait();  // takes no turn
      order.push_back(1);
    });
    EXPECT_EQ(order, Order({1, 2}));
    latch.count_down(0);  // nobody more arrives
  }());
}

TEST(Latch, OfZeroIsOpenFromTheBeginning) {
  run([]() -> Task<> {
    Latch latch(0);
    EXPECT_TRUE(latch.is_open());
    co_await latch.wait();
  }());
}

TEST(Latch, WakesAllInTheOrderOfWaiting) {
  run([]() -> Task<> {
    Latch latch(2);
    Order passed;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int id = 1; id <= 3; ++id) {
        group.spawn("waiter", note_wait, std::ref(latch), std::ref(passed), id);
      }
      co_await yield();
      latch.count_down();
      co_await yield();
      EXPECT_EQ(passed, Order{}) << "one is still to arrive";
      latch.count_down();
      EXPECT_EQ(passed, Order{}) << "nobody runs inside count_down";
      co_await yield();
      EXPECT_EQ(passed, Order({1, 2, 3}));
    });
  }());
}

TEST(Latch, LetsThoseWhoArriveGoTogether) {
  run([]() -> Task<> {
    Latch latch(3);
    Order passed;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("first", note_arrive_and_wait, std::ref(latch), std::ref(passed), 1);
      group.spawn("second", note_arrive_and_wait, std::ref(latch), std::ref(passed), 2);
      co_await yield();
      EXPECT_EQ(latch.left(), 1U);
      EXPECT_EQ(passed, Order{});
      co_await latch.arrive_and_wait();  // the last one does not wait
      passed.push_back(3);
    });
    EXPECT_EQ(passed, Order({3, 1, 2}));
  }());
}

TEST(Latch, AnArrivalStandsWhenItsWaiterIsCanceled) {
  run([]() -> Task<> {
    Latch latch(2);
    Order passed;
    Stoppable arrived;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("arrived", &Stoppable::run, &arrived, note_arrive_and_wait(latch, passed, 1));
      co_await yield();
      arrived.stop();
      co_await yield();
      co_await yield();
      EXPECT_TRUE(arrived.ended());
      EXPECT_EQ(latch.left(), 1U);
      co_await latch.arrive_and_wait();
      passed.push_back(2);
    });
    EXPECT_EQ(passed, Order({2}));
  }());
}

TEST(Latch, OpeningBeatsALaterCancellation) {
  run([]() -> Task<> {
    Latch latch(1);
    Order passed;
    Stoppable early;
    Stoppable late;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("early", &Stoppable::run, &early, note_wait(latch, passed, 1));
      group.spawn("late", &Stoppable::run, &late, note_wait(latch, passed, 2));
      co_await yield();
      early.stop();
      latch.count_down();
      late.stop();
    });
    EXPECT_EQ(passed, Order({2}));
  }());
}

TEST(LatchDeathTest, TakesNoMoreThanItWasMadeFor) {
  EXPECT_DEATH(Latch(1).count_down(2), "no more arrive");
  EXPECT_DEATH(Latch(0).count_down(), "no more arrive");
}

// Two rounds of three workers that meet, and one that only watches.
Task<> meet_twice(Latch& first, Latch& second) {
  co_await yield();
  co_await first.arrive_and_wait();
  co_await yield();
  co_await second.arrive_and_wait();
}

Task<> everything() {
  Latch first(3);
  Latch second(3);
  Order passed;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("watcher", note_wait, std::ref(second), std::ref(passed), 1);
    for (int i = 0; i < 3; ++i) {
      group.spawn("worker", meet_twice, std::ref(first), std::ref(second));
    }
    co_return;
  });
}

TEST(Latch, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(everything), 5); }
TEST(Latch, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(everything), 5); }
TEST(Latch, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(everything), 5);
}

Task<> destroy_under_a_waiter() {
  auto latch = std::make_unique<Latch>(1);
  Order passed;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("left_behind", note_wait, std::ref(*latch), std::ref(passed), 1);
    co_await yield();
    latch.reset();
  });
}

TEST(LatchDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter()), "left_behind(.|\n)*waits for a latch");
}

}  // namespace
}  // namespace coracle
