// One server of a simulated cluster as the invariants see it.
#pragma once

#include "raft/sim/durable_record.h"
#include "raft/state.h"
#include "raft/types.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

struct View {
  ServerId id = kNobody;
  const State& state;
  TimePoint now;            // its own clock
  Duration shortest_drawn;  // of the timeouts of this life
  Duration longest_drawn;
  const DurableRecord& disk;
};

}  // namespace coracle::raft::sim
