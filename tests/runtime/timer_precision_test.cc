// How late timers are on the real clock: reported, because a busy machine may be as late as it
// likes. That none is early is a promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "runtime/random.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

void report(const char* what, std::vector<Duration> late) {
  ASSERT_FALSE(late.empty());
  std::sort(late.begin(), late.end());
  EXPECT_GE(late.front(), Duration::zero()) << "a timer was early";
  const auto microseconds = [](Duration span) { return static_cast<double>(span.count()) / 1000; };
  std::printf("%s: %zu timers, late by p50 %.0f us, p99 %.0f us, max %.0f us\n", what, late.size(),
              microseconds(late[late.size() / 2]), microseconds(late[late.size() * 99 / 100]),
              microseconds(late.back()));
}

Task<> sleep_often(std::vector<Duration>& late) {
  for (int i = 0; i < 30; ++i) {
    const Duration span = random().between(0ns, 10ms);
    const TimePoint deadline = now() + span;
    co_await sleep_until(deadline);
    late.push_back(now() - deadline);
  }
}

TEST(TimerPrecision, OneTimerAtATime) {
  std::vector<Duration> late;
  run(sleep_often(late));
  report("one at a time", late);
}

TEST(TimerPrecision, ManyTimersAtOnce) {
  std::vector<Duration> late;
  run([](std::vector<Duration>& all) -> Task<> {
    co_await task_group([&all](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 50; ++i) group.spawn("sleeper", sleep_often, std::ref(all));
      co_return;
    });
  }(late));
  report("fifty at a time", late);
}

Task<> time_out_often(std::vector<Duration>& late) {
  for (int i = 0; i < 30; ++i) {
    const Duration span = random().between(1us, 5ms);
    const TimePoint begun = now();
    const bool in_time = co_await within(span, sleep_for(1h));
    EXPECT_FALSE(in_time);
    late.push_back(now() - begun - span);
  }
}

TEST(TimerPrecision, Timeouts) {
  std::vector<Duration> late;
  run(time_out_often(late));
  report("timeouts", late);
}

}  // namespace
}  // namespace coracle
