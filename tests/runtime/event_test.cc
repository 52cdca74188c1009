#include "runtime/event.h"

#include <gtest/gtest.h>

#include <chrono>
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

using namespace std::chrono_literals;
using Order = std::vector<int>;

TimePoint far_away() { return deadline_after(now(), 1h); }

Task<> note_wait(Event& event, Order& woken, int id) {
  co_await event.wait();
  woken.push_back(id);
}

Task<> note_wait_until(Event& event, TimePoint deadline, Order& woken, int id) {
  woken.push_back(co_await event.wait_until(deadline) ? id : -id);
}

TEST(Event, WaitingForASetEventTakesNoTurn) {
  run([]() -> Task<> {
    Event event;
    Order order;
    EXPECT_FALSE(event.is_set());
    event.set();
    event.set();
    EXPECT_TRUE(event.is_set());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("other", note_wait, std::ref(event), std::ref(order), 2);
      co_await event.wait();
      const bool set = co_await event.wait_until(now() - 1s);
      EXPECT_TRUE(set);
      order.push_back(1);
    });
    EXPECT_EQ(order, Order({1, 2}));
  }());
}

TEST(Event, WakesAllInTheOrderOfWaiting) {
  run([]() -> Task<> {
    Event event;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", note_wait, std::ref(event), std::ref(woken), 1);
      group.spawn("b", note_wait_until, std::ref(event), far_away(), std::ref(woken), 2);
      group.spawn("c", note_wait, std::ref(event), std::ref(woken), 3);
      co_await yield();
      event.set();
      EXPECT_EQ(woken, Order{}) << "nobody runs inside set";
      co_await yield();
      EXPECT_EQ(woken, Order({1, 2, 3}));
    });
  }());
}

TEST(Event, AResetDoesNotCallBackTheWoken) {
  run([]() -> Task<> {
    Event event;
    Order woken;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("woken", note_wait, std::ref(event), std::ref(woken), 1);
      co_await yield();
      event.set();
      event.reset();
      EXPECT_FALSE(event.is_set());
      group.spawn("late", note_wait, std::ref(event), std::ref(woken), 2);
      co_await yield();
      co_await yield();
      EXPECT_EQ(woken, Order({1}));
      event.set();
    });
    EXPECT_EQ(woken, Order({1, 2}));
  }());
}

TEST(Event, GivesUpAtTheDeadline) {
  run([]() -> Task<> {
    Event event;
    const TimePoint deadline = now() + 2ms;
    const bool set = co_await event.wait_until(deadline);
    EXPECT_FALSE(set);
    EXPECT_GE(now(), deadline);
  }());
}

TEST(Event, ACanceledWaiterIsNotWoken) {
  run([]() -> Task<> {
    Event event;
    Order woken;
    Stoppable early;
    Stoppable late;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("early", &Stoppable::run, &early, note_wait(event, woken, 1));
      group.spawn("late", &Stoppable::run, &late, note_wait(event, woken, 2));
      co_await yield();
      early.stop();
      event.set();
      late.stop();  // what was granted before stands
    });
    EXPECT_TRUE(early.ended());
    EXPECT_EQ(woken, Order({2}));
  }());
}

// Canceled while waiting and canceled before are the same.
TEST(Event, WhoIsCanceledBeforeItWaitsThrows) {
  run([]() -> Task<> {
    Event set;
    Event never_set;
    Order passed;
    set.set();
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      co_await set.wait();  // does not have to wait
      passed.push_back(1);
      co_await never_set.wait();
      passed.push_back(2);
    });
    EXPECT_EQ(passed, Order({1}));
  }());
}

Task<> hand_over(Event& mine, Event& other, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    co_await mine.wait();
    mine.reset();
    other.set();
  }
}

TEST(Event, TwoThatHandItBackAndForthDoNotStarveATimer) {
  run([]() -> Task<> {
    Event ping;
    Event pong;
    bool rang = false;
    ping.set();
    co_await task_group([&](TaskGroup& group) -> Task<> {
      constexpr int kForEver = 1'000'000'000;
      group.spawn("ping", hand_over, std::ref(ping), std::ref(pong), kForEver);
      group.spawn("pong", hand_over, std::ref(pong), std::ref(ping), kForEver);
      co_await sleep_for(1ms);
      rang = true;
      group.cancel();
    });
    EXPECT_TRUE(rang);
  }());
}

Task<> everything() {
  Event ping;
  Event pong;
  Order woken;
  ping.set();
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("ping", hand_over, std::ref(ping), std::ref(pong), 3);
    group.spawn("pong", hand_over, std::ref(pong), std::ref(ping), 3);
    group.spawn("expires", note_wait_until, std::ref(pong), now(), std::ref(woken), 1);
    group.spawn("set", note_wait_until, std::ref(pong), far_away(), std::ref(woken), 2);
    co_return;
  });
}

TEST(Event, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(everything), 5); }
TEST(Event, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(everything), 5); }
TEST(Event, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(everything), 5);
}

// In a crash the last child goes first, here the owner of what its elder sister waits for.
Task<> own_event(Event*& published) {
  Event event;
  published = &event;
  co_await yield();
  co_await sleep_until(kNever);
}

Task<> wait_for_published(Event*& published) {
  while (published == nullptr) co_await yield();
  co_await published->wait_until(far_away());
}

Task<> outlived_by_its_waiter() {
  Event* published = nullptr;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("waiter", wait_for_published, std::ref(published));
    group.spawn("owner", own_event, std::ref(published));
    co_return;
  });
}

TEST(Event, LetsItsWaitersGoWhenItDiesInACrash) {
  sweep::SteppedRun crashed(outlived_by_its_waiter);
  ASSERT_TRUE(crashed.resume(5));  // now one waits and the other sleeps
  crashed.crash();
}

Task<> destroy_under_a_waiter() {
  auto event = std::make_unique<Event>();
  Order woken;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("left_behind", note_wait, std::ref(*event), std::ref(woken), 1);
    co_await yield();
    event.reset();
  });
}

TEST(EventDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter()), "left_behind(.|\n)*waits for an event");
}

}  // namespace
}  // namespace coracle
