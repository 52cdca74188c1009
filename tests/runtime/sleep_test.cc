// Sleeping on the real clock. (Exact times belong to virtual time; here: never early.)
#include "runtime/sleep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "runtime/run.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> sleep_and_note(Duration span, int& early, int& ended) {
  const TimePoint deadline = now() + span;
  co_await sleep_until(deadline);
  if (now() < deadline) ++early;
  ++ended;
}

Task<> sleep_many(int count, int& early, int& ended) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < count; ++i) {
      const Duration span = 1ms + random().between(0ns, 200ms);
      group.spawn("sleeper", sleep_and_note, span, std::ref(early), std::ref(ended));
    }
    co_return;
  });
}

TEST(DeadlineAfter, NeitherOverflowsNorRunsBackwards) {
  EXPECT_EQ(deadline_after(TimePoint(1s), 2s), TimePoint(3s));
  EXPECT_EQ(deadline_after(TimePoint(1s), -2s), TimePoint(1s));
  EXPECT_EQ(deadline_after(TimePoint(-40ms), 10ms), TimePoint(-30ms)) << "before the epoch";
  EXPECT_EQ(deadline_after(TimePoint(1ns), Duration::max()), kNever);
  EXPECT_EQ(deadline_after(kNever, 1ns), kNever);
  EXPECT_EQ(deadline_after(kNever - 1ns, 1ns), kNever);
}

TEST(Sleep, AHundredThousandAtOnceAndNoneEarly) {
  int early = 0;
  int ended = 0;
  run(sleep_many(100'000, early, ended));
  EXPECT_EQ(ended, 100'000);
  EXPECT_EQ(early, 0);
}

Task<> sleep_long(int& ended) {
  co_await sleep_for(1h);
  ++ended;
}

TEST(Sleep, AHundredThousandAreCanceledAtOnce) {
  int ended = 0;
  const auto main = [](int& count) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 100'000; ++i) group.spawn("sleeper", sleep_long, std::ref(count));
      co_await sleep_for(1ms);
      EXPECT_EQ(group.size(), 100'000U);
      group.cancel();
    });
  };
  run(main(ended));
  EXPECT_EQ(ended, 0);
}

TEST(Sleep, WakesInTheOrderOfDeadlines) {
  const auto main = []() -> Task<> {
    std::vector<int> order;
    const auto sleeper = [](int number, TimePoint deadline, std::vector<int>& woken) -> Task<> {
      co_await sleep_until(deadline);
      woken.push_back(number);
    };
    const TimePoint start = now();
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const int number : {3, 1, 2, 0}) {
        group.spawn("sleeper", sleeper, number, start + number * 2ms, std::ref(order));
      }
      co_return;
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  };
  run(main());
}

TEST(Sleep, ThatIsOverLetsOthersRunFirst) {
  const auto main = []() -> Task<> {
    bool other_ran = false;
    const auto other = [](bool& ran) -> Task<> {
      ran = true;
      co_return;
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("other", other, std::ref(other_ran));
      co_await sleep_for(-1s);
      EXPECT_TRUE(other_ran);
    });
  };
  run(main());
}

Task<> sleep_for_ever() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    const auto until_never = []() -> Task<> { co_await sleep_until(kNever); };
    group.spawn("until never", until_never);
    co_await sleep_for(Duration::max());
  });
}

TEST(Sleep, ForEverCanBeCanceled) {
  const auto main = []() -> Task<> {
    const bool ended = co_await within(1ms, sleep_for_ever());
    EXPECT_FALSE(ended);
  };
  run(main());
}

Task<> some_sleeps() {
  co_await sleep_for(1ms);
  co_await sleep_for(0ms);
  co_await task_group([](TaskGroup& group) -> Task<> {
    const auto sleeper = []() -> Task<> { co_await sleep_for(1ms); };
    group.spawn("a", sleeper);
    group.spawn("b", sleeper);
    co_await yield();
  });
}

TEST(Sleep, ThatIsCanceledLeavesNoTimerBehind) {
  int ended = 0;
  sweep::SteppedRun stepped([&] { return with_timeout(2h, sleep_long(ended)); });
  ASSERT_TRUE(stepped.resume(1));
  EXPECT_EQ(stepped.armed_timers(), 2U);
  stepped.cancel();
  stepped.finish();
  EXPECT_EQ(stepped.armed_timers(), 0U);
  EXPECT_EQ(ended, 0);
}

TEST(Sleep, SurvivesCancellationAndCrashAnywhere) {
  sweep::cancel_everywhere(some_sleeps);
  sweep::crash_everywhere(some_sleeps);
  sweep::crash_while_canceling_everywhere(some_sleeps);
}

}  // namespace
}  // namespace coracle
