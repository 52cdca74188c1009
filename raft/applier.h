// Hands what is committed to the state machine, each command of a session once. (§5.3, §8)
#pragma once

#include <span>
#include <vector>

#include "raft/messages.h"
#include "raft/sessions.h"
#include "raft/state_machine.h"
#include "raft/types.h"
#include "runtime/task.h"

namespace coracle::raft {

// What came of one entry.
struct Applied {
  bool expired = false;  // it was not applied: its session is not known
  SharedBytes result{};
};

class Applier {
 public:
  // Borrows the machine for its own life.
  explicit Applier(StateMachine& machine) : machine_(machine) {}

  // Applies entries, the first of which has index `first`.
  //   Returns    what came of each.
  //   Throws     what the state machine throws.
  //   Borrows    `entries` until it returns.
  //   Requires   no other call in progress; calls in the order of the log, without a gap.
  [[nodiscard]] Task<std::vector<Applied>> apply(LogIndex first, std::span<const Entry> entries);

  [[nodiscard]] const Sessions& sessions() const { return sessions_; }

 private:
  struct Waiting;

  [[nodiscard]] Task<> flush(Waiting& waiting, std::vector<Applied>& applied);
  [[nodiscard]] Applied change_session(LogIndex index, const Entry& entry);

  StateMachine& machine_;
  Sessions sessions_;
};

}  // namespace coracle::raft
