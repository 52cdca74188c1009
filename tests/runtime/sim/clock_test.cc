// Clocks of hosts, delays, and the agenda.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "runtime/sim/agenda.h"
#include "runtime/sim/delay.h"
#include "runtime/sim/host_clock.h"

namespace coracle::sim {
namespace {

using namespace std::chrono_literals;

TEST(HostClock, ShowsTheTrueTimeUnlessTold) {
  const HostClock clock;
  EXPECT_EQ(clock.shown_at(TimePoint(5s)), TimePoint(5s));
  EXPECT_EQ(clock.world_time_of(TimePoint(5s)), TimePoint(5s));
  EXPECT_EQ(clock.world_time_of(kNever), kNever);
}

TEST(HostClock, GoesAtItsRateFromAChangeOn) {
  HostClock clock;
  clock.set_rate(TimePoint(10s), 1'500'000);
  EXPECT_EQ(clock.shown_at(TimePoint(12s)), TimePoint(13s));
  clock.set_rate(TimePoint(12s), 0);
  EXPECT_EQ(clock.shown_at(TimePoint(1h)), TimePoint(13s));
  EXPECT_EQ(clock.world_time_of(TimePoint(13s)), TimePoint(12s)) << "it shows that already";
  EXPECT_EQ(clock.world_time_of(TimePoint(13s + 1ns)), kNever);
  clock.jump(TimePoint(2h), 5s);
  EXPECT_EQ(clock.shown_at(TimePoint(2h)), TimePoint(18s));
}

// What a deadline waits for: the very nanosecond from which on the clock shows it.
RC_GTEST_PROP(HostClock, FindsTheFirstTimeThatShowsADeadline, ()) {
  HostClock clock;
  std::int64_t world = 0;
  for (int i = 0; i < 5; ++i) {
    world += *rc::gen::inRange<std::int64_t>(0, 10'000'000'000);
    clock.set_rate(TimePoint(Duration(world)), *rc::gen::inRange<std::int64_t>(1, 3'000'000));
    clock.jump(TimePoint(Duration(world)), Duration(*rc::gen::inRange<std::int64_t>(0, 1'000)));
  }
  const TimePoint start(Duration{world});
  const TimePoint shown =
      clock.shown_at(start) + Duration(*rc::gen::inRange<std::int64_t>(1, 100'000'000'000));
  const TimePoint found = clock.world_time_of(shown);
  RC_ASSERT(clock.shown_at(found) >= shown);
  RC_ASSERT(clock.shown_at(found - 1ns) < shown);
}

TEST(Delay, IsUniformBetweenItsBounds) {
  Random random(1);
  const Delay delay{.min = 1ms, .max = 3ms};
  Duration sum{};
  Duration least = 1h;
  Duration most{};
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const Duration drawn = delay.draw(random);
    sum += drawn;
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  EXPECT_GE(least, 1ms);
  EXPECT_LE(most, 3ms);
  EXPECT_NEAR(static_cast<double>((sum / kDraws).count()), 2e6, 2e4);
  EXPECT_EQ(exactly(7ms).draw(random), 7ms);
}

// Mean, median and a tail of the exponential part.
TEST(Delay, HasAnExponentialPart) {
  Random random(1);
  const Delay delay{.min = 1ms, .max = 1ms, .exponential_mean = 10s};
  constexpr int kDraws = 100'000;
  int below_median = 0;
  int beyond_three = 0;
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Duration drawn = delay.draw(random) - 1ms;
    EXPECT_GE(drawn, 0s);
    sum += static_cast<double>(drawn.count());
    if (drawn < 6'931'471'806ns) ++below_median;
    if (drawn > 30s) ++beyond_three;
  }
  EXPECT_NEAR(sum / kDraws / 1e10, 1.0, 0.02);
  EXPECT_NEAR(below_median / double{kDraws}, 0.5, 0.01);
  EXPECT_NEAR(beyond_three / double{kDraws}, 0.0498, 0.005);
}

// The same on every compiler.
TEST(Delay, IsDrawnInIntegers) {
  Random random(42);
  const Delay delay{.min = 1ms, .max = 2ms, .exponential_mean = 3400us};
  std::vector<std::int64_t> drawn;
  for (int i = 0; i < 4; ++i) drawn.push_back(delay.draw(random).count());
  EXPECT_EQ(drawn, (std::vector<std::int64_t>{2629869, 4444701, 3022517, 10970400}));
}

struct Note final : Happening {
  Note(std::vector<int>& noted, int what) : notes(noted), number(what) {}
  void expired() override { notes.push_back(number); }
  std::vector<int>& notes;
  int number;
};

TEST(Agenda, LetsThingsHappenInTheirOrder) {
  Random random(3);
  Agenda agenda(random);
  std::vector<int> notes;
  Note a(notes, 1);
  Note b(notes, 2);
  Note c(notes, 3);
  Note never(notes, 4);
  agenda.plan(b, TimePoint(2s));
  agenda.plan(a, TimePoint(1s));
  agenda.plan(never, TimePoint(90s));
  agenda.plan(c, TimePoint(90s));
  agenda.plan(c, TimePoint(3s));
  agenda.cancel(never);
  while (agenda.next() != kNever) agenda.step();
  EXPECT_EQ(notes, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(agenda.now(), TimePoint(3s));
  agenda.plan(a, TimePoint(1s));
  EXPECT_EQ(agenda.next(), TimePoint(3s)) << "what should have been happens now";
  agenda.cancel(a);
}

}  // namespace
}  // namespace coracle::sim
