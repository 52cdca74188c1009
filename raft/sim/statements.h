// The words with which the lines of a script begin. To add one (a change of membership, say), write
// its parser and put it into the table of its file. Mechanism of Scenario.
#pragma once

#include <array>
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

// The set-up, time and expectations; the faults; forged and lost messages; and clients.
[[nodiscard]] std::span<const Statement> play_statements();
[[nodiscard]] std::span<const Statement> fault_statements();
[[nodiscard]] std::span<const Statement> message_statements();
[[nodiscard]] std::span<const Statement> client_statements();
// Returns    the tables of all of them.
[[nodiscard]] std::array<std::span<const Statement>, 4> all_statements();

// `cluster` comes first, and names the servers that the other lines speak of.
[[nodiscard]] Action parse_cluster(Words& words, Cast& cast);

// Returns    the usage of all words, one per line.
[[nodiscard]] std::string statement_usage();

}  // namespace coracle::raft::sim
