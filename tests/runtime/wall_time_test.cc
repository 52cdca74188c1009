#include "runtime/wall_time.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

constexpr WallTime kNewYear2000{sys_days(year(2000) / 1 / 1)};

TEST(WallTime, IsPrintedAsRfc3339) {
  EXPECT_EQ(print_wall_time(WallTime{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(print_wall_time(WallTime(sys_days(year(2024) / 2 / 29)) + 23h + 59min + 59s + 1'999ns),
            "2024-02-29T23:59:59.000001Z");
  EXPECT_EQ(print_wall_time(WallTime(-1ns)), "1969-12-31T23:59:59.999999Z") << "rounded down";
  EXPECT_EQ(print_wall_time(WallTime::min()), "1677-09-21T00:12:43.145224Z");
  EXPECT_EQ(print_wall_time(WallTime::max()), "2262-04-11T23:47:16.854775Z");
}

TEST(WallTime, IsReadWithAnyFraction) {
  EXPECT_EQ(parse_wall_time("2000-01-01T00:00:00Z"), kNewYear2000);
  EXPECT_EQ(parse_wall_time("2000-01-01T00:00:00.5Z"), kNewYear2000 + 500ms);
  EXPECT_EQ(parse_wall_time("2000-01-01T00:00:00.000000001Z"), kNewYear2000 + 1ns);
  EXPECT_EQ(parse_wall_time("2000-03-01T00:00:00Z"), kNewYear2000 + 24h * (31 + 29));
}

TEST(WallTime, RefusesWhatIsNone) {
  for (const std::string_view text : {"",
                                      "2000",
                                      "2000-01-01",
                                      "2000-01-01T00:00:00",
                                      "2000-01-01T00:00:00+01:00",
                                      "2000-01-01 00:00:00Z",
                                      "2000-01-01T00:00:00.Z",
                                      "2000-01-01T00:00:00.0000000001Z",
                                      "2000-01-01T00:00:00ZZ",
                                      "2000-02-30T00:00:00Z",
                                      "2001-02-29T00:00:00Z",
                                      "2000-13-01T00:00:00Z",
                                      "2000-00-01T00:00:00Z",
                                      "2000-01-00T00:00:00Z",
                                      "2000-01-01T24:00:00Z",
                                      "2000-01-01T00:60:00Z",
                                      "2000-01-01T00:00:60Z",
                                      "1677-12-31T23:59:59Z",
                                      "2262-01-01T00:00:00Z",
                                      "-200-01-01T00:00:00Z",
                                      "2000-1-01T00:00:00Z",
                                      "+200-01-01T00:00:00Z",
                                      "2000-01-01T00:00: 0Z"}) {
    EXPECT_EQ(parse_wall_time(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(WallTime, IsReadAsItWasPrinted, (std::int64_t microseconds)) {
  const WallTime time{std::chrono::microseconds(microseconds % 9'000'000'000'000'000)};
  RC_ASSERT(parse_wall_time(print_wall_time(time)) == time);
}

TEST(WallTime, IsTheSystems) {
  WallTime seen;
  const auto look = [&seen]() -> Task<> {
    seen = wall_time_now();
    co_return;
  };
  run(look());
  EXPECT_GT(seen, WallTime(sys_days(year(2024) / 1 / 1)));
}

TEST(WallTime, IsAHostsAndCanBeSet) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  const auto program = [&host]() -> Task<> {
    EXPECT_EQ(wall_time_now(), kNewYear2000);
    co_await sleep_for(90s);
    EXPECT_EQ(wall_time_now(), kNewYear2000 + 90s);
    const TimePoint before = now();
    host.set_wall_time(-1h);
    EXPECT_EQ(wall_time_now(), kNewYear2000 + 90s - 1h);
    EXPECT_EQ(now(), before) << "what waits must not see it";
    host.set_clock_rate(2'000'000);
    co_await sleep_for(2s);  // a second of the world's
    EXPECT_EQ(wall_time_now(), kNewYear2000 + 92s - 1h);
  };
  host.start(program);
  world.run();
  EXPECT_EQ(host.failure(), nullptr);
}

}  // namespace
}  // namespace coracle
