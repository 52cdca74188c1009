// What may differ between clusters, and must not differ between the servers of one.
#pragma once

#include <chrono>
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

struct Options {
  Timing timing{};
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

// Checks that the times fit together. (C6)
//   Returns    an empty string, or one sentence that says what does not fit and what would.
[[nodiscard]] std::string validate(const Options& options);

// Formats times as "election_timeout=150-300ms heartbeat=50ms".
[[nodiscard]] std::string to_string(const Timing& timing);

}  // namespace coracle::raft
