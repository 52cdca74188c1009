// Whether what clients of a map of keys to values saw can be explained: by one order of all that
// they did (linearizability.h), and by what stands there in the end.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "raft/sim/history.h"

namespace coracle::raft::sim {

// Judges a history. Those who read in the end are clients too, numbered from `first_reader` on. Of
// a key that was appended to, and changed by nothing else, what they read tells of each append what
// became of it: acknowledged before the read began, it is there once; failed, it is not there; else
// it is there once at most. What was appended to one key are texts that end with `;`, hold no other
// and never come twice.
//   Returns    nothing if all can be explained; else one sentence on what cannot, and perhaps lines
//              that show it.
//   Requires   no operation with a misfit.
[[nodiscard]] std::string judge_map_history(std::span<const ClientOperation> history,
                                            std::uint64_t first_reader);

}  // namespace coracle::raft::sim
