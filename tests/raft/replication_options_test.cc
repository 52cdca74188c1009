// How much may be under way: what is refused before a server starts with it.
#include <gtest/gtest.h>

#include "raft/options.h"

namespace coracle::raft {
namespace {

Options with(const Replication& replication) {
  Options options;
  options.replication = replication;
  return options;
}

TEST(OptionsOfReplication, ACommandHasABoundedSize) {
  EXPECT_EQ(validate(with({.command_bytes_max = 0})),
            "a command may have 1 to 67108864 bytes, not 0");
  EXPECT_EQ(validate(with({.command_bytes_max = (std::size_t{64} << 20) + 1})),
            "a command may have 1 to 67108864 bytes, not 67108865");
  EXPECT_EQ(validate(with({.command_bytes_max = 1})), "");
  EXPECT_EQ(validate(with({.command_bytes_max = std::size_t{64} << 20})), "");
}

// B35: a window of nothing would hold a follower for ever.
TEST(OptionsOfReplication, AWindowIsOpenAtFirst) {
  EXPECT_EQ(validate(with({.window_messages = 0})),
            "at least 1 message with entries must be allowed on the way to a follower");
  EXPECT_EQ(validate(with({.window_bytes = 0})),
            "at least 1 byte of entries must be allowed on the way to a follower");
  EXPECT_EQ(validate(with({.window_messages = 33})),
            "at most 32 messages with entries may be on the way to a follower, not 33");
  EXPECT_EQ(validate(with({.window_messages = 1, .window_bytes = 1})), "");
}

// One command, and one batch, has its turn in any case.
TEST(OptionsOfReplication, EverythingElseMayBeNothing) {
  EXPECT_EQ(validate(with({.proposal_bytes_max = 0, .batch_bytes = 0, .cache_bytes = 0})), "");
}

}  // namespace
}  // namespace coracle::raft
