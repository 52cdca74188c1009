// What a cluster replicates: the interface that a service implements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "raft/shared_bytes.h"
#include "raft/types.h"
#include "runtime/task.h"

namespace coracle::raft {

// A committed command.
struct Command {
  LogIndex index = 0;
  // Nanoseconds since 1970 by the clock of the leader that appended it; never falls from one
  // command to the next. The only time that a state machine may look at: replicas that looked at
  // their own clocks would come to differ.
  std::int64_t log_time = 0;
  std::span<const std::byte> data{};
};

// Each server applies the same commands in the same order, so all that decides must be in them: no
// clock, no random number, no address, no order of an unordered container.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Applies commands, in their order. After a start it gets all of the log again, from the first
  // command on.
  //   Returns    one result for each, which goes to whoever proposed it.
  //   Throws     anything: the node ends with it, since this replica cannot go on.
  //   Canceled   may throw: the process ends.
  //   Borrows    `commands` until it returns.
  [[nodiscard]] virtual Task<std::vector<SharedBytes>> apply(std::span<const Command> commands) = 0;
};

}  // namespace coracle::raft
