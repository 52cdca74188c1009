// The words with which the lines of a script begin. To add one (a proposal, a read, a change of
// membership), write its parser and put it into the table of its file. Mechanism of Scenario.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "raft/sim/play.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

struct Statement {
  std::string_view word;
  std::string_view usage;
  // Reads the words after it.
  Action (*parse)(Words& words);
};

// The set-up, time and expectations; and the faults.
[[nodiscard]] std::span<const Statement> play_statements();
[[nodiscard]] std::span<const Statement> fault_statements();
[[nodiscard]] std::span<const Statement> message_statements();

// `cluster` comes first, and names the servers that the other lines speak of.
[[nodiscard]] Action parse_cluster(Words& words, Cast& cast);

// Returns    the usage of all words, one per line.
[[nodiscard]] std::string statement_usage();

}  // namespace coracle::raft::sim
