// The log beside a hard state: each knows when something of the other is lost. (D4, D8, B55)
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "raft/hard_state.h"
#include "raft/log_scan.h"
#include "tests/raft/segment_writer.h"

namespace coracle::raft {
namespace {

HardStateRecord server_with(Term term, ChangeNumber change, LogMark log) {
  return {.identity = kIdentity, .hard_state = {.term = term}, .change = change, .log = log};
}

// What a scan of these files says beside this hard state; empty if it is content.
std::string beside(const HardStateRecord& server, const std::vector<Bytes>& files) {
  LogScan scan(server.identity);
  std::uint64_t number = 0;
  for (const Bytes& file : files) {
    if (!scan.add(segment_name(++number), file)) return scan.refusal();
  }
  return scan.finish(server) ? "" : scan.refusal();
}

// Changes 1 and 2 of the log, change 3 of the hard state, changes 4 and 5 of the log.
Bytes log_of_two_terms() {
  SegmentWriter writer(1);
  writer.entry(1, 1).entry(2, 1);
  writer.begin_batch();
  writer.set_change(3);
  writer.set_hard_state(3);
  writer.entry(3, 2).entry(4, 2);
  return writer.file();
}

TEST(LogBesideHardState, WhatBelongsTogetherIsTaken) {
  const Bytes log = log_of_two_terms();
  EXPECT_EQ(beside(server_with(2, 3, {.made = true}), {log}), "");
  EXPECT_EQ(beside(server_with(2, 3, {.made = true, .change = 5}), {log}), "");
  EXPECT_EQ(beside(server_with(9, 77, {.made = true, .change = 2}), {log}), "") << "more votes";
  EXPECT_EQ(beside(server_with(0, 0, {}), {}), "") << "a new server";
  EXPECT_EQ(beside(server_with(0, 0, {}), {SegmentWriter(1).file()}), "") << "its first start";
}

// D8: in each case one of the two was put back to an older state, or is gone.
TEST(LogBesideHardState, WhatNoCrashLeavesIsRefused) {
  const Bytes log = log_of_two_terms();
  const std::size_t third = kSegmentHeaderBytes + 2 * record_bytes(1);
  const std::string at = "byte " + std::to_string(third) + " of 000000000000001.log ";
  const auto starts = [&](const HardStateRecord& server, const std::string& with) {
    const std::string said = beside(server, {log});
    EXPECT_TRUE(said.starts_with(with)) << said;
  };
  starts(server_with(1, 3, {.made = true}),
         at + "is of term 2, hard_state only of term 1: it is older than the log. With it");
  starts(server_with(2, 2, {.made = true}),
         at + "was written behind change 3 of hard_state, which ends with change 2: it is older "
              "than the log. With it");
  starts(server_with(2, 3, {}),
         "byte 4096 of 000000000000001.log is a record, and hard_state tells that there was no log "
         "yet: it is older than the log. With it");
  const std::string gone = beside(server_with(2, 3, {.made = true}), {});
  EXPECT_TRUE(gone.starts_with("the log is gone. Without it")) << gone;
  const std::string cut = beside(server_with(2, 6, {.made = true, .change = 6}), {log});
  EXPECT_TRUE(cut.starts_with("byte " + std::to_string(third + 2 * record_bytes(1)) +
                              " of 000000000000001.log is where the log ends, with change 5; "
                              "hard_state tells that change 6 of the log was durable"))
      << cut;
}

// D4, B55: what hard_state knows to have been durable is not taken for a tear.
TEST(LogBesideHardState, AFlippedBitInTheLastBatchIsRefusedOnceItIsKnownToBeDurable) {
  Bytes log = log_of_two_terms();
  log[kSegmentHeaderBytes + 2 * record_bytes(1) + 9] ^= std::byte{1};
  EXPECT_EQ(beside(server_with(2, 3, {.made = true, .change = 2}), {log}), "");
  EXPECT_NE(beside(server_with(2, 3, {.made = true, .change = 5}), {log}), "");
}

}  // namespace
}  // namespace coracle::raft
