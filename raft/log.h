// The facts of the replicated log that elections and heartbeats look at.
#pragma once

#include <vector>

#include "raft/types.h"

namespace coracle::raft {

// The terms of the entries 1 to n, as they were found at the start.
class Log {
 public:
  Log() = default;

  // A log of the given terms, of which all entries, or the first `durable`, are on disk.
  //   Requires   terms that never fall; none of them 0; durable <= terms.size().
  explicit Log(std::vector<Term> terms);
  Log(std::vector<Term> terms, LogIndex durable);

  // Returns where the log ends; {0, 0} when it is empty.
  [[nodiscard]] LogPosition last() const { return at(terms_.size()); }

  // Returns the last position that would be found again after a crash. (V11)
  [[nodiscard]] LogPosition durable() const { return at(durable_); }

  // Returns whether the log holds this very entry; every log holds {0, 0}. (§5.3, A1)
  [[nodiscard]] bool holds(LogPosition position) const;

  // Where a leader should look next after `previous` was not found (A7): the term that stands at
  // its index, and the first index of that term; or {0, last index + 1} where the log is shorter.
  //   Requires   !holds(previous).
  [[nodiscard]] LogPosition conflict_with(LogPosition previous) const;

 private:
  // Requires   index <= last index.
  [[nodiscard]] LogPosition at(LogIndex index) const;

  std::vector<Term> terms_;
  LogIndex durable_ = 0;
};

}  // namespace coracle::raft
