// The log in memory: positions, conflicts, what is durable, and what of it is kept. A5 to A7, V11,
// D9.
#include "raft/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace coracle::raft {
namespace {

Entry entry_of(Term term, std::size_t bytes = 0, std::int64_t log_time = 0) {
  return {.term = term,
          .kind = EntryKind::command,
          .log_time = log_time,
          .data = SharedBytes(std::string(bytes, 'x'))};
}

// Appends entries of these terms, as changes 1, 2, ...
Log log_of(const std::vector<Term>& terms) {
  Log log;
  ChangeNumber change = 0;
  for (const Term term : terms) log.append(entry_of(term), ++change);
  return log;
}

TermRuns runs_of(const std::vector<Term>& terms) {
  TermRuns runs;
  for (const Term term : terms) runs.append(term);
  return runs;
}

// ---- Of which term each entry is ----

TEST(TermRunsOfALog, TakeRoomForEachChangeOfTermOnly) {
  TermRuns runs = runs_of({1, 1, 1, 4, 4, 7});
  EXPECT_EQ(runs.runs(), (std::vector<TermRun>{{1, 1}, {4, 4}, {6, 7}}));
  EXPECT_EQ(runs.last(), (LogPosition{7, 6}));
  EXPECT_EQ(runs.at(0), 0U);
  EXPECT_EQ(runs.at(3), 1U);
  EXPECT_EQ(runs.at(4), 4U);
  EXPECT_EQ(runs.first_of_term(4), 4U);
  EXPECT_EQ(runs.last_of_term(4), 5U);
  EXPECT_EQ(runs.last_of_term(7), 6U);
  EXPECT_EQ(runs.first_of_term(5), 0U) << "no entry is of it";
  EXPECT_EQ(runs.last_of_term(9), 0U);

  runs.truncate_behind(3);
  EXPECT_EQ(runs.runs(), (std::vector<TermRun>{{1, 1}}));
  runs.append(2);
  EXPECT_EQ(runs.last(), (LogPosition{2, 4}));
  runs.truncate_behind(0);
  EXPECT_EQ(runs.last(), LogPosition());
}

// §5.3
TEST(TermRunsOfALog, RefuseWhatNoLogHolds) {
  EXPECT_DEATH(runs_of({0}), "no entry is of term 0");
  EXPECT_DEATH(runs_of({2, 1}), "terms in a log never fall");
  EXPECT_DEATH((void)runs_of({1}).at(2), "only entries we hold");
  EXPECT_DEATH(runs_of({1}).truncate_behind(2), "only entries we hold");
}

// ---- Positions ----

// V10, A1
TEST(LogPositions, AnEmptyLogHoldsItsBeginningOnly) {
  const Log log;
  EXPECT_EQ(log.last(), LogPosition());
  EXPECT_EQ(log.durable(), LogPosition());
  EXPECT_TRUE(log.holds({0, 0}));
  EXPECT_FALSE(log.holds({1, 0})) << "there is no such position";
  EXPECT_FALSE(log.holds({1, 1}));
  EXPECT_EQ(log.conflict_with({1, 1}), (LogPosition{0, 1}));
  EXPECT_EQ(log.first_cached(), 1U);
}

// A1
TEST(LogPositions, AnEntryIsHeldIfItsTermIsRight) {
  const Log log = log_of({1, 1, 3});
  EXPECT_TRUE(log.holds({0, 0}));
  EXPECT_TRUE(log.holds({1, 2}));
  EXPECT_TRUE(log.holds({3, 3}));
  EXPECT_FALSE(log.holds({2, 3}));
  EXPECT_FALSE(log.holds({3, 2}));
  EXPECT_FALSE(log.holds({0, 2}));
  EXPECT_FALSE(log.holds({3, 4}));
}

// A7: the log is shorter; it has another term there, which began earlier; or at that very entry.
TEST(LogPositions, AConflictSaysWhereToLookNext) {
  const Log log = log_of({1, 1, 3, 3, 3});
  EXPECT_EQ(log.conflict_with({4, 9}), (LogPosition{0, 6}));
  EXPECT_EQ(log.conflict_with({4, 5}), (LogPosition{3, 3}));
  EXPECT_EQ(log.conflict_with({1, 3}), (LogPosition{3, 3}));
  EXPECT_EQ(log.conflict_with({2, 2}), (LogPosition{1, 1}));
  EXPECT_EQ(log.conflict_with({2, 0}), (LogPosition{0, 1})) << "no log has that";
  EXPECT_EQ(log.last_of_term(1), 2U);
  EXPECT_EQ(log.last_of_term(2), 0U);
  EXPECT_DEATH((void)log.conflict_with({3, 4}), "no conflict");
}

// ---- Durability ----

// V11, D10: what was found is durable, and not in memory.
TEST(LogDurability, WhatWasFoundIsDurable) {
  const Log log(runs_of({1, 2, 2}), 77);
  EXPECT_EQ(log.last(), (LogPosition{2, 3}));
  EXPECT_EQ(log.durable(), (LogPosition{2, 3}));
  EXPECT_EQ(log.last_log_time(), 77);
  EXPECT_EQ(log.change_of(3), 0U);
  EXPECT_EQ(log.first_cached(), 4U);
  EXPECT_EQ(log.cached_bytes(), 0U);
}

// V11
TEST(LogDurability, FollowsTheChangesThatAre) {
  Log log;
  log.append(entry_of(1), 4);
  log.append(entry_of(1), 7);
  EXPECT_EQ(log.durable(), LogPosition());
  EXPECT_EQ(log.change_of(1), 4U);
  EXPECT_EQ(log.change_of(2), 7U);
  log.durable_up_to(6);
  EXPECT_EQ(log.durable(), (LogPosition{1, 1}));
  EXPECT_EQ(log.change_of(1), 0U);
  EXPECT_EQ(log.change_of(2), 7U);
  log.durable_up_to(7);
  EXPECT_EQ(log.durable(), (LogPosition{1, 2}));
}

// A6, D9: an entry that was on its way to the disk and was deleted says nothing of the one that
// stands there now.
TEST(LogDurability, OfAnEntryIsNotThatOfItsPredecessorAtTheSameIndex) {
  Log log = log_of({1, 1, 1});
  log.durable_up_to(1);
  log.truncate_behind(1);  // change 4
  log.append(entry_of(2), 5);
  log.durable_up_to(3);  // all three of term 1
  EXPECT_EQ(log.durable(), (LogPosition{1, 1}));
  EXPECT_EQ(log.change_of(2), 5U);
  log.durable_up_to(4);
  EXPECT_EQ(log.durable(), (LogPosition{1, 1}));
  log.durable_up_to(5);
  EXPECT_EQ(log.durable(), (LogPosition{2, 2}));
}

// D9: what is durable and deleted is so no more, whatever comes in its place.
TEST(LogDurability, FallsWithWhatIsDeleted) {
  Log log(runs_of({1, 1, 1}));
  log.truncate_behind(1);
  EXPECT_EQ(log.durable(), (LogPosition{1, 1}));
  log.append(entry_of(2), 2);
  EXPECT_EQ(log.durable(), (LogPosition{1, 1}));
  EXPECT_EQ(log.change_of(2), 2U);
}

TEST(LogDurability, ChangesAreNumberedInTheirOrder) {
  Log log = log_of({1, 1});
  EXPECT_DEATH(log.append(entry_of(1), 2), "changes are numbered");
  EXPECT_DEATH((void)log.change_of(3), "only entries we hold");
  EXPECT_DEATH(log.truncate_behind(3), "only entries we hold");
}

// R3: the stamp of what was deleted counts, too: time never falls.
TEST(LogDurability, TheLatestTimeStaysWhenItsEntryIsDeleted) {
  Log log;
  log.append(entry_of(1, 0, 500), 1);
  log.append(entry_of(1, 0, 400), 2);
  EXPECT_EQ(log.last_log_time(), 500);
  log.truncate_behind(0);
  EXPECT_EQ(log.last_log_time(), 500);
}

// ---- Memory ----

TEST(LogInMemory, OnlyWhatIsDurableIsForgotten) {
  Log log = log_of({1, 1, 1, 1});
  log.durable_up_to(2);
  log.forget_up_to(1);
  EXPECT_EQ(log.first_cached(), 2U);
  log.forget_up_to(4);
  EXPECT_EQ(log.first_cached(), 3U) << "the third is on no disk yet";
  log.durable_up_to(4);
  log.forget_beyond(bytes_of(entry_of(1)));
  EXPECT_EQ(log.first_cached(), 4U);
  log.forget_beyond(0);
  EXPECT_EQ(log.first_cached(), 5U);
  EXPECT_EQ(log.cached_bytes(), 0U);
  EXPECT_DEATH((void)log.entry(4), "in memory");
  EXPECT_DEATH((void)log.entries(4, 4, 1), "in memory");
}

TEST(LogInMemory, IsBoundedByForgettingAndByNothingElse) {
  Log log;
  for (ChangeNumber change = 1; change <= 1000; ++change) {
    log.append(entry_of(1, 100), change);
    if (change > 10) log.durable_up_to(change - 10);
    log.forget_beyond(2000);
    const std::size_t undurable = std::min<std::size_t>(change, 10) * bytes_of(entry_of(1, 100));
    EXPECT_LE(log.cached_bytes(), std::max<std::size_t>(2000, undurable));
  }
  EXPECT_EQ(log.last().index, 1000U);
}

// A deletion may reach before what is in memory; what comes then is in memory again.
TEST(LogInMemory, GoesOnAfterADeletionOfWhatWasForgotten) {
  Log log = log_of({1, 1, 1});
  log.durable_up_to(3);
  log.forget_up_to(2);
  log.truncate_behind(1);
  EXPECT_EQ(log.first_cached(), 2U);
  EXPECT_EQ(log.cached_bytes(), 0U);
  log.append(entry_of(2, 5), 5);
  EXPECT_EQ(log.entry(2), entry_of(2, 5));
  EXPECT_EQ(log.cached_bytes(), bytes_of(entry_of(2, 5)));
}

// A8: as many as fit, and one that is larger than the limit alone.
TEST(LogInMemory, EntriesAreTakenByTheirBytes) {
  Log log;
  for (ChangeNumber change = 1; change <= 4; ++change)
    log.append(entry_of(1, 100 * change), change);
  const std::size_t two = bytes_of(log.entry(1)) + bytes_of(log.entry(2));
  EXPECT_EQ(log.entries(1, 4, two).size(), 2U);
  EXPECT_EQ(log.entries(1, 4, two - 1).size(), 1U);
  EXPECT_EQ(log.entries(4, 4, 1), (std::vector<Entry>{entry_of(1, 400)}));
  EXPECT_EQ(log.entries(2, 3, 1'000'000), (std::vector<Entry>{entry_of(1, 200), entry_of(1, 300)}));
  EXPECT_EQ(bytes_of(log.entries(1, 2, two)), two);
  EXPECT_DEATH((void)log.entries(3, 2, 100), "in memory");
}

}  // namespace
}  // namespace coracle::raft
