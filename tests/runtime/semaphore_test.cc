#include "runtime/semaphore.h"

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

Task<> acquire_and_note(Semaphore& semaphore, Order& acquired, int id) {
  Semaphore::Permit permit = co_await semaphore.acquire();
  acquired.push_back(id);
  co_await yield();
}

TEST(Semaphore, CountsItsPermits) {
  run([]() -> Task<> {
    Semaphore semaphore(2);
    Semaphore::Permit first = co_await semaphore.acquire();
    EXPECT_EQ(semaphore.available(), 1U);
    std::optional<Semaphore::Permit> second = semaphore.try_acquire();
    EXPECT_TRUE(second.has_value());
    EXPECT_EQ(semaphore.available(), 0U);
    EXPECT_FALSE(semaphore.try_acquire().has_value());
    second.reset();
    EXPECT_EQ(semaphore.available(), 1U);
    first.release();
    first.release();  // once is enough
    EXPECT_FALSE(first.holds());
    EXPECT_EQ(semaphore.available(), 2U);
  }());
}

TEST(Semaphore, AKeptPermitIsReleasedByHand) {
  run([]() -> Task<> {
    Semaphore semaphore(0);
    semaphore.release();  // a new one
    {
      Semaphore::Permit permit = co_await semaphore.acquire();
      permit.keep();
    }
    EXPECT_EQ(semaphore.available(), 0U);
    semaphore.release(3);
    EXPECT_EQ(semaphore.available(), 3U);
  }());
}

TEST(Semaphore, APermitThatIsMovedIsReleasedOnce) {
  run([]() -> Task<> {
    Semaphore semaphore(2);
    Semaphore::Permit first = co_await semaphore.acquire();
    Semaphore::Permit second = co_await semaphore.acquire();
    first = std::move(second);
    EXPECT_EQ(semaphore.available(), 1U);
    EXPECT_TRUE(first.holds());
    EXPECT_FALSE(second.holds());
  }());
}

TEST(Semaphore, ServesInTheOrderOfAsking) {
  run([]() -> Task<> {
    Semaphore semaphore(0);
    Order acquired;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int id = 1; id <= 4; ++id) {
        group.spawn("taker", acquire_and_note, std::ref(semaphore), std::ref(acquired), id);
      }
      co_await yield();
      semaphore.release(2);
      // They belong to the first two already, though those have not run: nobody barges in.
      EXPECT_EQ(semaphore.available(), 0U);
      EXPECT_FALSE(semaphore.try_acquire().has_value());
      co_await yield();
      EXPECT_EQ(acquired, Order({1, 2}));
    });
    EXPECT_EQ(acquired, Order({1, 2, 3, 4}));
    EXPECT_EQ(semaphore.available(), 2U);
  }());
}

TEST(Semaphore, ACanceledWaiterTakesNoPermit) {
  run([]() -> Task<> {
    Semaphore semaphore(0);
    Order acquired;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, acquire_and_note(semaphore, acquired, 1));
      group.spawn("taker", acquire_and_note, std::ref(semaphore), std::ref(acquired), 2);
      co_await yield();
      canceled.stop();
      semaphore.release();
    });
    EXPECT_EQ(acquired, Order({2}));
    EXPECT_EQ(semaphore.available(), 1U);
  }());
}

TEST(Semaphore, AGrantBeatsALaterCancellation) {
  run([]() -> Task<> {
    Semaphore semaphore(0);
    Order acquired;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, acquire_and_note(semaphore, acquired, 1));
      group.spawn("taker", acquire_and_note, std::ref(semaphore), std::ref(acquired), 2);
      co_await yield();
      semaphore.release();
      canceled.stop();
    });
    EXPECT_EQ(acquired, Order({1, 2}));
    EXPECT_EQ(semaphore.available(), 1U);
  }());
}

TEST(Semaphore, CanBeWaitedForWithATimeout) {
  run([]() -> Task<> {
    Semaphore semaphore(1);
    std::optional<Semaphore::Permit> first = co_await within(1ms, semaphore.acquire());
    EXPECT_TRUE(first.has_value());
    std::optional<Semaphore::Permit> second = co_await within(1ms, semaphore.acquire());
    EXPECT_FALSE(second.has_value());
    first.reset();
    EXPECT_EQ(semaphore.available(), 1U);
  }());
}

// At most two at a time; the semaphore outlives each run of the sweep, to be looked at.
Task<> enter_and_leave(Semaphore& semaphore, int& inside) {
  for (int round = 0; round < 2; ++round) {
    Semaphore::Permit permit = co_await semaphore.acquire();
    EXPECT_LT(inside, 2);
    ++inside;
    try {
      co_await yield();
    } catch (...) {
      --inside;
      throw;
    }
    --inside;
  }
}

Task<> crowd(Semaphore& semaphore, int& inside) {
  inside = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      group.spawn("visitor", enter_and_leave, std::ref(semaphore), std::ref(inside));
    }
    co_return;
  });
}

class SemaphoreSweep : public testing::Test {
 protected:
  sweep::Scenario scenario = [this] { return crowd(semaphore, inside); };
  // Whoever was stopped has given it back: also who was granted a permit and never ran.
  sweep::CheckRun all_back = [this] { EXPECT_EQ(semaphore.available(), 2U); };
  Semaphore semaphore{2};
  int inside = 0;
};

TEST_F(SemaphoreSweep, CanBeCanceledAnywhere) {
  EXPECT_GT(sweep::cancel_everywhere(scenario, all_back), 8);
}
TEST_F(SemaphoreSweep, CanCrashAnywhere) {
  EXPECT_GT(sweep::crash_everywhere(scenario, all_back), 8);
}
TEST_F(SemaphoreSweep, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(scenario, all_back), 8);
}

Task<> destroy_under_a_waiter() {
  auto semaphore = std::make_unique<Semaphore>(0);
  Order acquired;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("left_behind", acquire_and_note, std::ref(*semaphore), std::ref(acquired), 1);
    co_await yield();
    semaphore.reset();
  });
}

TEST(SemaphoreDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter()), "left_behind(.|\n)*waits for a permit");
}

}  // namespace
}  // namespace coracle
