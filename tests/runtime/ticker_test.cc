// Ticks on virtual time; on the real loop, only what must never happen.
#include "runtime/ticker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// What one call returned, and when: after the ticker's start.
struct Ticked {
  Duration at;
  std::int64_t passed;

  friend bool operator==(const Ticked&, const Ticked&) = default;
};
using Ticks = std::vector<Ticked>;

std::ostream& operator<<(std::ostream& stream, const Ticked& ticked) {
  return stream << ticked.passed << " at " << ticked.at / 1us << " us";
}

// Ticks once for each span of work, and then works as long as that.
Task<> tick_and_work(Duration interval, std::vector<Duration> work, Ticks& ticks) {
  const TimePoint start = now();
  Ticker ticker(interval);
  for (const Duration span : work) {
    const std::int64_t passed = co_await ticker.tick();
    ticks.push_back({now() - start, passed});
    if (span > 0s) co_await sleep_for(span);
  }
}

Ticks ticks_of(Duration interval, std::vector<Duration> work) {
  sim::Simulation world(1);
  Ticks ticks;
  world.add_host("a").start(tick_and_work, interval, std::move(work), std::ref(ticks));
  world.run();
  return ticks;
}

TEST(Ticker, TicksAtMultiplesOfItsIntervalHoweverLongTheWork) {
  const Ticks ticks = ticks_of(10ms, {0ms, 3ms, 9999us, 1us, 0ms, 5ms, 0ms});
  ASSERT_EQ(ticks.size(), 7U);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(ticks[static_cast<std::size_t>(i)], (Ticked{(i + 1) * 10ms, 1}));
  }
}

TEST(Ticker, DoesNotDriftOverManyTicks) {
  sim::Simulation world(1);
  world.add_host("a").start([]() -> Task<> {
    Ticker ticker(3ns);
    for (int i = 0; i < 100'000; ++i) {
      const std::int64_t passed = co_await ticker.tick();
      if (passed != 1) ADD_FAILURE() << "tick " << i << " stood for " << passed;
    }
  });
  const TimePoint begin = world.now();
  world.run();
  EXPECT_EQ(world.now() - begin, 300'000ns);
}

TEST(Ticker, TellsASlowUserWhatPassedAndMakesNoBurst) {
  EXPECT_EQ(ticks_of(10ms, {35ms, 0ms, 0ms}), (Ticks{{10ms, 1}, {45ms, 3}, {50ms, 1}}));
  EXPECT_EQ(ticks_of(10ms, {10ms, 0ms, 0ms}), (Ticks{{10ms, 1}, {20ms, 1}, {30ms, 1}}));
  EXPECT_EQ(ticks_of(10ms, {11ms, 0ms, 0ms}), (Ticks{{10ms, 1}, {21ms, 1}, {30ms, 1}}));
  EXPECT_EQ(ticks_of(10ms, {25ms, 25ms, 25ms, 0ms}),
            (Ticks{{10ms, 1}, {35ms, 2}, {60ms, 3}, {85ms, 2}}));
}

TEST(Ticker, TellsAStoppedProcessWhatPassed) {
  sim::Simulation world(1);
  Ticks ticks;
  sim::Host& host = world.add_host("a");
  host.start(tick_and_work, Duration(10ms), std::vector<Duration>(5, 0ms), std::ref(ticks));
  world.run_for(25ms);
  host.pause();
  world.run_for(100ms);
  host.resume();
  world.run();
  EXPECT_EQ(ticks, (Ticks{{10ms, 1}, {20ms, 1}, {125ms, 10}, {130ms, 1}, {140ms, 1}}));
}

TEST(Ticker, FollowsTheClockOfItsHost) {
  sim::Simulation world(1);
  Ticks ticks;
  sim::Host& host = world.add_host("a");
  host.start(tick_and_work, Duration(10ms), std::vector<Duration>(3, 0ms), std::ref(ticks));
  world.run_for(15ms);
  host.jump_clock(1s);
  world.run();
  EXPECT_EQ(ticks, (Ticks{{10ms, 1}, {1015ms, 100}, {1020ms, 1}}));
}

// A canceled call returns at the same point when it is made again.
Task<> ask_again_and_again(Ticks& ticks) {
  const TimePoint start = now();
  Ticker ticker(10ms);
  while (ticks.size() < 3) {
    const std::optional<std::int64_t> passed = co_await within(3ms, ticker.tick());
    if (passed) ticks.push_back({now() - start, *passed});
  }
}

TEST(Ticker, LosesNoTickWhenItIsCanceled) {
  sim::Simulation world(1);
  Ticks ticks;
  world.add_host("a").start(ask_again_and_again, std::ref(ticks));
  world.run();
  EXPECT_EQ(ticks, (Ticks{{10ms, 1}, {20ms, 1}, {30ms, 1}}));
}

Task<> note_tick(Ticker& ticker, std::vector<std::int64_t>& ticks) {
  ticks.push_back(co_await ticker.tick());
}

Task<> stop_at(TimePoint when, Stoppable& stopped) {
  co_await sleep_until(when);
  stopped.stop();
}

// The stopper was armed first, so it is woken first, but both deadlines have expired by then.
TEST(Ticker, ATickThatCameBeatsALaterCancellation) {
  sim::Simulation world(1);
  world.add_host("a").start([]() -> Task<> {
    Ticker ticker(10ms);
    std::vector<std::int64_t> ticks;
    Stoppable waiter;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("stopper", stop_at, ticker.next(), std::ref(waiter));
      group.spawn("waiter", &Stoppable::run, &waiter, note_tick(ticker, ticks));
      co_return;
    });
    EXPECT_EQ(ticks, std::vector<std::int64_t>{1});
  });
  world.run();
}

TEST(Ticker, SeveralOfOneStartTickTogether) {
  sim::Simulation world(1);
  world.add_host("a").start([]() -> Task<> {
    const TimePoint start = now() + 25ms;
    Ticker every_ten(10ms, start);
    Ticker every_thirty(30ms, start);
    for (int i = 0; i < 3; ++i) co_await every_ten.tick();
    EXPECT_EQ(now(), start + 30ms);
    EXPECT_EQ(every_thirty.next(), now());
    const std::int64_t passed = co_await every_thirty.tick();
    EXPECT_EQ(passed, 1);
    EXPECT_EQ(now(), start + 30ms) << "its point has come: no time passes";
    Ticker of_the_past(10ms, now() - 95ms);
    const std::int64_t before = co_await of_the_past.tick();
    EXPECT_EQ(before, 9);
    EXPECT_EQ(of_the_past.next(), now() + 5ms);
  });
  world.run();
}

TEST(Ticker, AnEndlessIntervalNeverTicks) {
  sim::Simulation world(1);
  world.add_host("a").start([]() -> Task<> {
    Ticker ticker(Duration::max());
    EXPECT_EQ(ticker.interval(), Duration::max());
    EXPECT_EQ(ticker.next(), kNever);
    const std::optional<std::int64_t> passed = co_await within(24h, ticker.tick());
    EXPECT_EQ(passed, std::nullopt);
  });
  world.run();
}

// On the real loop: never early, each point counted once; how late is up to the machine.
TEST(Ticker, CountsEveryPointOnTheRealClock) {
  run([]() -> Task<> {
    const TimePoint start = now();
    Ticker ticker(1ms, start);
    std::int64_t counted = 0;
    while (counted < 20) {
      const std::int64_t passed = co_await ticker.tick();
      EXPECT_GE(passed, 1);
      counted += passed;
      EXPECT_GE(now(), start + counted * 1ms);
      EXPECT_EQ(ticker.next(), start + (counted + 1) * 1ms);
    }
  }());
}

Task<> set_soon(bool& set) {
  co_await sleep_for(1us);
  set = true;
}

// A ticker that is always late lets deadlines and input come first.
TEST(Ticker, ThatIsAlwaysLateStarvesNobody) {
  run([]() -> Task<> {
    bool set = false;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("other", set_soon, std::ref(set));
      Ticker ticker(1ns);
      while (!set) co_await ticker.tick();
    });
  }());
}

TEST(TickerDeathTest, NeedsAnInterval) {
  EXPECT_DEATH(Ticker(0s, TimePoint(1s)), "an interval above 0");
}

TEST(TickerDeathTest, TakesOneWaiter) {
  const auto two = []() -> Task<> {
    Ticker ticker(1h);
    std::vector<std::int64_t> ticks;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("one", note_tick, std::ref(ticker), std::ref(ticks));
      group.spawn("two", note_tick, std::ref(ticker), std::ref(ticks));
      co_return;
    });
  };
  EXPECT_DEATH(run(two()), "one task at a time waits for a ticker");
}

TEST(TickerDeathTest, IsNotDestroyedUnderAWaiter) {
  const auto destroy = []() -> Task<> {
    auto ticker = std::make_unique<Ticker>(1h);
    std::vector<std::int64_t> ticks;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("left_behind", note_tick, std::ref(*ticker), std::ref(ticks));
      co_await yield();
      ticker.reset();
    });
  };
  EXPECT_DEATH(run(destroy()), "left_behind(.|\n)*waits for a tick");
}

Task<> tick_three_times(Duration interval) {
  Ticker ticker(interval);
  for (int i = 0; i < 3; ++i) co_await ticker.tick();
}

Task<> everything() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("on_time", tick_three_times, 200us);
    group.spawn("late", tick_three_times, 1ns);
    co_return;
  });
}

TEST(Ticker, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(everything), 5); }
TEST(Ticker, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(everything), 5); }
TEST(Ticker, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(everything), 5);
}

}  // namespace
}  // namespace coracle
