// What a script expects, or runs until: `one leader`, `on A,B: role=follower term>=2`,
// `event granted_vote on B peer=A`, `message request_vote A -> B times=2`.
#pragma once

#include <functional>
#include <string>

#include "raft/sim/play.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

struct Condition {
  std::string text;
  std::function<bool(const Play& play)> holds;
  std::function<std::string(const Play& play)> found;  // what there is instead
};

// Reads the words of a line up to its end, or up to `within`.
[[nodiscard]] Condition parse_condition(Words& words);

// Returns    what conditions there are, one per line, for who writes scripts.
[[nodiscard]] std::string_view condition_usage();

}  // namespace coracle::raft::sim
