// Rounds of proofs for reads: R1.
#include "raft/read_rounds.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <ostream>
#include <set>
#include <vector>

namespace coracle::raft {
namespace {

// R1
TEST(ReadRoundsOfALeader, NoReadWaitsForARoundThatHadLeftBeforeItCame) {
  ReadRounds rounds;
  EXPECT_EQ(rounds.current(), 0U);
  EXPECT_FALSE(rounds.is_open()) << "nobody has asked";
  rounds.stamped();  // heartbeats, while nobody reads
  const ReadRound first = rounds.ask();
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(rounds.current(), 1U);
  EXPECT_TRUE(rounds.is_open());
  EXPECT_EQ(rounds.ask(), first) << "no message of it has left";
  rounds.stamped();
  const ReadRound second = rounds.ask();
  EXPECT_EQ(second, 2U);
  EXPECT_EQ(rounds.current(), 1U) << "one at a time";
  EXPECT_EQ(rounds.ask(), second) << "shared by all that wait";
  rounds.stamped();
  EXPECT_EQ(rounds.ask(), second);

  rounds.confirm(1);
  EXPECT_TRUE(rounds.is_confirmed(first));
  EXPECT_FALSE(rounds.is_confirmed(second));
  EXPECT_EQ(rounds.current(), 2U) << "its turn now";
  EXPECT_EQ(rounds.ask(), second) << "no message of it has left yet";
  rounds.stamped();
  rounds.confirm(2);
  EXPECT_TRUE(rounds.is_confirmed(second));
  EXPECT_FALSE(rounds.is_open());
}

TEST(ReadRoundsOfALeader, AnAnswerToAnEarlierRoundConfirmsNoLaterOne) {
  ReadRounds rounds;
  (void)rounds.ask();
  rounds.stamped();
  rounds.confirm(1);
  const ReadRound second = rounds.ask();
  rounds.stamped();
  rounds.confirm(0);
  rounds.confirm(1);
  EXPECT_FALSE(rounds.is_confirmed(second));
  EXPECT_TRUE(rounds.is_open());
  EXPECT_TRUE(rounds.is_confirmed(1)) << "and takes none back";
  EXPECT_DEATH(rounds.confirm(3), "only rounds that began");
}

// A server that needs nobody else sends no message, and yet each read has a round of its own: who
// asks later must not find it confirmed before it asked, when the cluster has grown meanwhile.
TEST(ReadRoundsOfALeader, NoReadWaitsForARoundThatIsOver) {
  ReadRounds rounds;
  const ReadRound alone = rounds.ask();
  rounds.confirm(alone);
  const ReadRound later = rounds.ask();
  EXPECT_FALSE(rounds.is_confirmed(later));
  EXPECT_EQ(rounds.current(), later);
}

enum class Step : std::uint8_t { ask, stamp, confirm, confirm_earlier };

std::ostream& operator<<(std::ostream& stream, Step step) {
  static constexpr const char* kNames[] = {"ask", "stamp", "confirm", "confirm_earlier"};
  return stream << kNames[static_cast<int>(step)];
}

// R1, against plain sets of what has left and what was confirmed.
RC_GTEST_PROP(ReadRoundsModel, ARoundIsYoungerThanItsReads, ()) {
  ReadRounds rounds;
  std::set<ReadRound> left;
  std::set<ReadRound> confirmed = {0};
  std::set<ReadRound> asked;
  const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::weightedElement<Step>(
      {{5, Step::ask}, {4, Step::stamp}, {3, Step::confirm}, {1, Step::confirm_earlier}}));
  for (const Step step : steps) {
    const ReadRound before = rounds.current();
    const bool was_open = rounds.is_open();
    switch (step) {
      case Step::ask: {
        const ReadRound round = rounds.ask();
        RC_ASSERT(!left.contains(round));
        RC_ASSERT(!confirmed.contains(round));
        RC_ASSERT(round <= before + 1);  // it waits for the end of one round at most
        asked.insert(round);
        break;
      }
      case Step::stamp:
        rounds.stamped();
        left.insert(before);
        break;
      case Step::confirm:
        rounds.confirm(before);
        for (ReadRound round = 0; round <= before; ++round) confirmed.insert(round);
        break;
      case Step::confirm_earlier: rounds.confirm(before > 0 ? before - 1 : 0); break;
    }
    // One follows the other, and only for somebody who asked.
    RC_ASSERT(rounds.current() == before || rounds.current() == before + 1);
    if (rounds.current() != before) RC_ASSERT(!was_open || confirmed.contains(before));
    RC_ASSERT(rounds.current() == 0U || asked.contains(rounds.current()));
    RC_ASSERT(rounds.is_open() == !confirmed.contains(rounds.current()));
    for (const ReadRound round : asked) {
      RC_ASSERT(rounds.is_confirmed(round) == confirmed.contains(round));
    }
  }
  // Two rounds are enough for all that wait.
  for (int i = 0; i < 2; ++i) rounds.confirm(rounds.current());
  for (const ReadRound round : asked) RC_ASSERT(rounds.is_confirmed(round));
  RC_ASSERT(!rounds.is_open());
}

}  // namespace
}  // namespace coracle::raft
