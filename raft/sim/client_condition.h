// What a script expects of the answers that clients got, of the maps, and of the logs. Mechanism of
// condition.h.
#pragma once

#include "raft/sim/condition.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

// Each reads the rest of a condition, behind its first word.
[[nodiscard]] Condition answer_condition(Words& words);
[[nodiscard]] Condition map_condition(Words& words);
[[nodiscard]] Condition logs_condition(Words& words);

}  // namespace coracle::raft::sim
