// Durations on command lines.
#include "runtime/duration_text.h"

#include <gtest/gtest.h>

namespace coracle {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("150ms"), 150ms);
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("1ns"), 1ns);
  EXPECT_EQ(parse_duration("90m"), 90min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("0"), 0s);
  EXPECT_EQ(parse_duration("0ms"), 0s);
}

TEST(DurationText, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "10", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1min",
                           "1s1ms", "ten", "99999999999999999999s", "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationText, PrintsWhatItReads) {
  for (const char* text : {"0", "1ns", "1500us", "150ms", "10s", "90s", "2m", "3h", "25h"}) {
    EXPECT_EQ(print_duration(parse_duration(text).value_or(-1ns)), text);
  }
  EXPECT_EQ(print_duration(60s), "1m");
}

TEST(DurationText, ReadsRanges) {
  EXPECT_EQ(parse_duration_range("150-300ms"), (DurationRange{150ms, 300ms}));
  EXPECT_EQ(parse_duration_range("150ms-2s"), (DurationRange{150ms, 2s}));
  EXPECT_EQ(parse_duration_range("150ms"), (DurationRange{150ms, 150ms}));
  EXPECT_EQ(parse_duration_range("0-5ms"), (DurationRange{0ms, 5ms}));
  EXPECT_EQ(parse_duration_range("5-5s"), (DurationRange{5s, 5s}));
}

TEST(DurationText, RefusesWhatIsNoRange) {
  for (const char* text : {"", "-", "150-300", "150ms-", "-300ms", "300-150ms", "2s-150ms",
                           "1-2-3ms", "150--300ms", "150 - 300ms", "150ms-300", "a-b"}) {
    EXPECT_FALSE(parse_duration_range(text)) << text;
  }
}

TEST(DurationText, PrintsRanges) {
  EXPECT_EQ(print_duration_range({150ms, 300ms}), "150ms-300ms");
  EXPECT_EQ(print_duration_range({2s, 2s}), "2s");
  EXPECT_EQ(parse_duration_range(print_duration_range({150ms, 2s})), (DurationRange{150ms, 2s}));
}

}  // namespace
}  // namespace coracle
