// What may differ between clusters, and must not differ between the servers of one.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "runtime/time.h"

namespace coracle::raft {

// The times that all servers of a cluster should share. (§5.6: broadcast time, election timeout)
struct Timing {
  Duration heartbeat = std::chrono::milliseconds(50);
  Duration timeout_min = std::chrono::milliseconds(150);
  Duration timeout_max = std::chrono::milliseconds(300);

  friend bool operator==(const Timing&, const Timing&) = default;
};

// How much may be under way. What is over waits for its turn; one command, or one batch, always has
// its turn, however large it is.
// A message should cross the network well within the shortest timeout: heartbeats wait behind it.
// Servers of a cluster should share these sizes, and never lower `command_bytes_max`: a log may
// hold larger ones.
struct Replication {
  std::size_t command_bytes_max = std::size_t{1} << 20;    // a larger command is refused
  std::size_t proposal_bytes_max = std::size_t{16} << 20;  // of commands that have no result yet
  std::size_t batch_bytes = std::size_t{256} << 10;        // of one AppendEntries, if it holds two
  // To one follower, of messages with entries: none is sent while so many, or so many bytes, are
  // on the way.
  std::size_t window_messages = 8;
  std::size_t window_bytes = std::size_t{4} << 20;
  std::size_t cache_bytes = std::size_t{32} << 20;  // of entries in memory that are also on disk

  friend bool operator==(const Replication&, const Replication&) = default;
};

struct Options {
  Timing timing{};
  Replication replication{};
  bool pre_vote = true;       // ask whether a vote could be won before raising the term
  bool check_quorum = true;   // a leader that hears no majority steps down (L5)
  bool sticky_leader = true;  // voters keep a leader that they hear, or that is heard (V7, V8)

  // Returns the paper's Raft: pre-vote, quorum check and the voters' rule switched off.
  [[nodiscard]] static Options plain() {
    Options options;
    options.pre_vote = false;
    options.check_quorum = false;
    options.sticky_leader = false;
    return options;
  }
};

// Checks that the times (C6) and the sizes fit together.
//   Returns    an empty string, or one sentence that says what does not fit and what would.
[[nodiscard]] std::string validate(const Options& options);

// Formats times as "election_timeout=150-300ms heartbeat=50ms".
[[nodiscard]] std::string to_string(const Timing& timing);

}  // namespace coracle::raft
