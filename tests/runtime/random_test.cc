#include "runtime/random.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

namespace coracle {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint64_t> draw(Random& random, int count) {
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(random.next());
  return drawn;
}

// The sequences of xoshiro256** whose state is four numbers of splitmix64, from an independent
// implementation that reproduces the authors' vectors. A seed means the same for ever: whoever
// changes this makes every recorded seed worthless.
TEST(Random, ASeedMeansTheSameForEver) {
  const std::vector<std::uint64_t> of_0 = {0x99ec5f36cb75f2b4, 0xbf6e1f784956452a,
                                           0x1a5f849d4933e6e0, 0x6aa594f1262d2d2c,
                                           0xbba5ad4a1f842e59};
  const std::vector<std::uint64_t> of_1 = {0xb3f2af6d0fc710c5, 0x853b559647364cea,
                                           0x92f89756082a4514, 0x642e1c7bc266a3a7,
                                           0xb27a48e29a233673};
  const std::vector<std::uint64_t> of_1234567 = {0x30a3a1c363600467, 0x19405f0f579929ca,
                                                 0x115beaac046ddbd9, 0xeb17caf48f27d7f6,
                                                 0xa0c94fe1cce9d136};
  Random zero(0);
  Random one(1);
  Random other(1234567);
  EXPECT_EQ(draw(zero, 5), of_0);
  EXPECT_EQ(draw(one, 5), of_1);
  EXPECT_EQ(draw(other, 5), of_1234567);
  Random seven(7);
  EXPECT_EQ(draw(seven, 1000).back(), 0xd8df721ab4271195U);
}

TEST(Random, TheDistributionsMeanTheSameForEver) {
  Random dice(7);
  std::vector<std::uint64_t> thrown;
  for (int i = 0; i < 20; ++i) thrown.push_back(dice.below(6));
  EXPECT_EQ(thrown, (std::vector<std::uint64_t>{0, 2, 0, 4, 2, 5, 4, 4, 4, 1,
                                                5, 4, 3, 5, 0, 5, 1, 0, 1, 1}));
  Random spans(7);
  for (const std::int64_t nanoseconds : {272776097, 254432301, 236687617, 195454171, 183790967}) {
    EXPECT_EQ(spans.between(150ms, 300ms).count(), nanoseconds);
  }
  Random coins(7);
  std::vector<int> tossed;
  for (int i = 0; i < 20; ++i) tossed.push_back(coins.chance(0.25) ? 1 : 0);
  EXPECT_EQ(tossed, (std::vector<int>{0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}));
}

// 60,000 throws: a count is off by more than 500 (5.5 standard deviations) never.
TEST(Random, BelowIsUniform) {
  Random random(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts.at(random.below(6));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

// With a bound of 3/4 of the range, the remainder alone would draw the low third twice as often.
TEST(Random, BelowIsWithoutBias) {
  constexpr std::uint64_t kQuarter = std::uint64_t{1} << 62U;
  Random random(3);
  std::array<int, 3> counts{};
  for (int i = 0; i < 30'000; ++i) ++counts.at(random.below(3 * kQuarter) / kQuarter);
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Random, BelowOneIsZero) {
  Random random(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(5);
  std::array<bool, 3> seen{};
  for (int i = 0; i < 100; ++i) {
    const Duration span = random.between(-1ns, 1ns);
    ASSERT_GE(span, -1ns);
    ASSERT_LE(span, 1ns);
    seen.at(static_cast<std::size_t>(span.count() + 1)) = true;
  }
  EXPECT_EQ(seen, (std::array<bool, 3>{true, true, true}));
  EXPECT_EQ(random.between(4ms, 4ms), 4ms);
}

TEST(Random, BetweenTakesTheWholeRange) {
  Random random(5);
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 100; ++i) {
    const Duration span = random.between(Duration::min(), Duration::max());
    (span < 0ns ? negative : positive) = true;
  }
  EXPECT_TRUE(negative && positive);
}

TEST(Random, ChanceIsAsLikelyAsItSays) {
  Random random(11);
  int hits = 0;
  for (int i = 0; i < 40'000; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
    if (random.chance(0.25)) ++hits;
  }
  EXPECT_NEAR(hits, 10'000, 500);
}

TEST(RandomDeathTest, RefusesWhatHasNoMeaning) {
  Random random(1);
  EXPECT_DEATH(random.below(0), "at least one possible outcome");
  EXPECT_DEATH(static_cast<void>(random.between(2ms, 1ms)), "a range must not be empty");
  EXPECT_DEATH(random.chance(1.5), "between 0 and 1");
}

}  // namespace
}  // namespace coracle
