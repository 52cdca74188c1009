#include "runtime/mutex.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Order = std::vector<int>;

Task<> lock_and_note(Mutex& mutex, Order& locked, int id) {
  Mutex::Guard guard = co_await mutex.lock();
  locked.push_back(id);
  co_await yield();
}

TEST(Mutex, IsHeldByTheGuard) {
  run([]() -> Task<> {
    Mutex mutex;
    EXPECT_FALSE(mutex.locked());
    {
      Mutex::Guard guard = co_await mutex.lock();
      EXPECT_TRUE(mutex.locked());
      EXPECT_FALSE(mutex.try_lock().has_value());
      Mutex::Guard moved = std::move(guard);
      EXPECT_FALSE(guard.holds());
      EXPECT_TRUE(moved.holds());
    }
    EXPECT_FALSE(mutex.locked());
    std::optional<Mutex::Guard> tried = mutex.try_lock();
    EXPECT_TRUE(tried.has_value());
    tried->unlock();
    EXPECT_FALSE(mutex.locked());
    tried->unlock();  // once is enough
    const Mutex::Guard again = co_await mutex.lock();
    tried.reset();
    EXPECT_TRUE(mutex.locked()) << "an empty guard unlocks nothing";
  }());
}

TEST(Mutex, AssigningAGuardUnlocksWhatItHeld) {
  run([]() -> Task<> {
    Mutex one;
    Mutex other;
    Mutex::Guard guard = co_await one.lock();
    guard = co_await other.lock();
    EXPECT_FALSE(one.locked());
    EXPECT_TRUE(other.locked());
  }());
}

TEST(Mutex, IsHandedOnInTheOrderOfAsking) {
  run([]() -> Task<> {
    Mutex mutex;
    Order locked;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      Mutex::Guard guard = co_await mutex.lock();
      for (int id = 1; id <= 3; ++id) {
        group.spawn("locker", lock_and_note, std::ref(mutex), std::ref(locked), id);
      }
      co_await yield();
      guard.unlock();
      // It belongs to the first in line already, though that one has not run: nobody barges in.
      EXPECT_TRUE(mutex.locked());
      EXPECT_FALSE(mutex.try_lock().has_value());
      guard = co_await mutex.lock();
      locked.push_back(4);
    });
    EXPECT_EQ(locked, Order({1, 2, 3, 4}));
    EXPECT_FALSE(mutex.locked());
  }());
}

TEST(Mutex, ACanceledWaiterNeverHoldsIt) {
  run([]() -> Task<> {
    Mutex mutex;
    Order locked;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      Mutex::Guard guard = co_await mutex.lock();
      group.spawn("canceled", &Stoppable::run, &canceled, lock_and_note(mutex, locked, 1));
      group.spawn("locker", lock_and_note, std::ref(mutex), std::ref(locked), 2);
      co_await yield();
      canceled.stop();
      guard.unlock();
    });
    EXPECT_EQ(locked, Order({2}));
    EXPECT_FALSE(mutex.locked());
  }());
}

// It was handed over first, so the waiter gets it, and unlocks as it unwinds.
TEST(Mutex, AGrantBeatsALaterCancellation) {
  run([]() -> Task<> {
    Mutex mutex;
    Order locked;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      Mutex::Guard guard = co_await mutex.lock();
      group.spawn("canceled", &Stoppable::run, &canceled, lock_and_note(mutex, locked, 1));
      group.spawn("locker", lock_and_note, std::ref(mutex), std::ref(locked), 2);
      co_await yield();
      guard.unlock();
      canceled.stop();
    });
    EXPECT_EQ(locked, Order({1, 2}));
    EXPECT_FALSE(mutex.locked());
  }());
}

TEST(Mutex, CanBeWaitedForWithATimeout) {
  run([]() -> Task<> {
    Mutex mutex;
    std::optional<Mutex::Guard> first = co_await within(1ms, mutex.lock());
    EXPECT_TRUE(first.has_value());
    std::optional<Mutex::Guard> second = co_await within(1ms, mutex.lock());
    EXPECT_FALSE(second.has_value());
    first.reset();
    EXPECT_FALSE(mutex.locked());
  }());
}

// One at a time, also across awaits; the mutex outlives each run of the sweep, to be looked at.
Task<> enter_and_leave(Mutex& mutex, int& inside, int rounds) {
  struct Visit {
    explicit Visit(int& count) : inside(count) { EXPECT_EQ(++inside, 1); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() { --inside; }
    int& inside;
  };
  for (int round = 0; round < rounds; ++round) {
    Mutex::Guard guard = co_await mutex.lock();
    const Visit visit(inside);
    co_await yield();
  }
}

Task<> crowd(Mutex& mutex, int& inside) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      group.spawn("visitor", enter_and_leave, std::ref(mutex), std::ref(inside), 2);
    }
    co_return;
  });
}

class MutexSweep : public testing::Test {
 protected:
  sweep::Scenario scenario = [this] { return crowd(mutex, inside); };
  // Whoever was stopped has given it back: also who was handed it and never ran.
  sweep::CheckRun unlocked = [this] {
    EXPECT_FALSE(mutex.locked());
    EXPECT_EQ(inside, 0);
  };
  Mutex mutex;
  int inside = 0;
};

TEST_F(MutexSweep, CanBeCanceledAnywhere) {
  EXPECT_GT(sweep::cancel_everywhere(scenario, unlocked), 8);
}
TEST_F(MutexSweep, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(scenario, unlocked), 8); }
TEST_F(MutexSweep, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(scenario, unlocked), 8);
}

// The 128th lock in one turn is granted and then yields: a crash there gives it back too.
Task<> lock_for_many_turns(Mutex& mutex) {
  for (int i = 0; i < 300; ++i) Mutex::Guard guard = co_await mutex.lock();
}

TEST_F(MutexSweep, GivesBackWhatWasGrantedInALongTurn) {
  const sweep::Scenario long_turns = [this] { return lock_for_many_turns(mutex); };
  EXPECT_EQ(sweep::cancel_everywhere(long_turns, unlocked), 3);
  EXPECT_EQ(sweep::crash_everywhere(long_turns, unlocked), 3);
}

Task<> destroy_under_a_waiter(bool unlock_first) {
  auto mutex = std::make_unique<Mutex>();
  Order locked;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    Mutex::Guard guard = co_await mutex->lock();
    group.spawn("left_behind", lock_and_note, std::ref(*mutex), std::ref(locked), 1);
    co_await yield();
    if (unlock_first) guard.unlock();
    mutex.reset();
  });
}

TEST(MutexDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter(false)), "left_behind(.|\n)*waits for a mutex");
}
// Nobody waits any more, but the next owner has not run yet.
TEST(MutexDeathTest, IsNotDestroyedUnderItsNextOwner) {
  EXPECT_DEATH(run(destroy_under_a_waiter(true)), "destroyed while this task .*left_behind");
}

}  // namespace
}  // namespace coracle
