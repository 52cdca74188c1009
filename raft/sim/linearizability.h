// Whether a history is linearizable: whether there is one order of all operations, which keeps them
// apart that did not overlap, and in which a plain map gives just the answers that clients got.
// (Herlihy and Wing 1990)
//
// A map is linearizable if each key is, so each is decided alone, by the search of Wing and Gong
// (1993) as Lowe (2017, "Testing for linearizability") made it fast: operations are put in order
// just in time, and what follows from the same operations done and the same value is tried once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "raft/sim/history.h"

namespace coracle::raft::sim {

enum class Linearizability : std::uint8_t {
  linearizable,
  not_linearizable,
  undecided,  // the search met its limits: a test that gets this has not passed
};

// How long the search for one key may go on. The number of orders can grow exponentially with the
// number of operations that overlap.
struct LinearizabilityLimits {
  std::uint64_t steps = 100'000'000;                 // operations tried at a place in the order
  std::size_t memory_bytes = std::size_t{1} << 28U;  // about, of what is remembered
};

struct LinearizabilityReport {
  Linearizability verdict = Linearizability::linearizable;

  // Unless it is linearizable: of which key; the operation, by its place in the history, up to
  // whose completion nothing explains what clients saw, though all that completed before can be
  // explained (if undecided: as far as was found); and an excerpt of the history around it, with
  // who did what, when and with what result.
  std::string key{};
  std::size_t operation = 0;
  std::string excerpt{};

  std::uint64_t steps = 0;  // of all searches together

  [[nodiscard]] bool linearizable() const { return verdict == Linearizability::linearizable; }
};

// Decides on a history, in which all keys are absent at the beginning. Operations count as
// overlapping if one was invoked when the other completed. Those that failed had no effect; those
// of unknown outcome may have had theirs at any time after their invocation, or never.
//   Returns    not_linearizable for the first such key by name; else undecided for the first such.
//   Requires   no operation with a misfit (history.h), in any order.
[[nodiscard]] LinearizabilityReport check_linearizability(std::span<const ClientOperation> history,
                                                          const LinearizabilityLimits& limits = {});

}  // namespace coracle::raft::sim
