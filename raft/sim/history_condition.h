// Conditions of scripts on what has happened since the last `mark`: events, and messages.
// Mechanism of condition.h.
#pragma once

#include <string_view>

#include "raft/sim/condition.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

// Read what follows `event` or `message`; with `none` it is to have happened not once.
[[nodiscard]] Condition event_condition(Words& words, bool none);
[[nodiscard]] Condition message_condition(Words& words, bool none);

// Returns    whether what was found compares with what is wanted as it should.
[[nodiscard]] bool compares(std::string_view found, const Comparison& wanted);

}  // namespace coracle::raft::sim
