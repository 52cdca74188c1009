// The facts of the replicated log: of which term each entry is, how far they are durable, and the
// entries themselves as far as they are in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "raft/messages.h"
#include "raft/term_runs.h"
#include "raft/types.h"

namespace coracle::raft {

// Entries 1 to n. Those that are not durable yet are in memory, and as many of the others as were
// not forgotten; what storage found at the start is not.
class Log {
 public:
  Log() = default;

  // A log that was found: the terms of its entries, all of them durable, and the latest time that
  // is stamped on one.
  //   Requires   terms that never fall; none of them 0.
  explicit Log(TermRuns terms, std::int64_t last_log_time = 0);
  // The same, with the term of each entry.
  explicit Log(const std::vector<Term>& terms);

  // Returns where the log ends; {0, 0} when it is empty.
  [[nodiscard]] LogPosition last() const { return terms_.last(); }
  // Returns the last position that would be found again after a crash. (V11)
  [[nodiscard]] LogPosition durable() const { return at(durable_); }
  // Returns the latest time that was ever stamped on an entry of this log. (R3)
  [[nodiscard]] std::int64_t last_log_time() const { return last_log_time_; }

  // Returns the position of one entry, or {0, 0}.
  //   Requires   index <= last().index.
  [[nodiscard]] LogPosition at(LogIndex index) const;
  // Returns whether the log holds this very entry; every log holds {0, 0}. (§5.3, A1)
  [[nodiscard]] bool holds(LogPosition position) const;

  // Returns where a leader should look next after `previous` was not found (A7): the term that
  // stands at its index, and the first index of that term; or {0, last index + 1} where the log is
  // shorter.
  //   Requires   !holds(previous).
  [[nodiscard]] LogPosition conflict_with(LogPosition previous) const;
  // Returns the index of the last entry of `term`; 0 if there is none.
  [[nodiscard]] LogIndex last_of_term(Term term) const;

  // ---- Changes. Each has the number of the durable change that it is. ----
  // Requires   a term that is not below the last one; a number higher than all before.
  void append(Entry entry, ChangeNumber change);
  // Keeps the entries up to `last`. What was on the way to the disk behind it counts no more: not
  // for the entries that are appended in its place.
  //   Requires   last <= last().index.
  void truncate_behind(LogIndex last);
  // Notes that all changes up to this one would be found again after a crash.
  void durable_up_to(ChangeNumber change);

  // Returns the change that makes this entry durable, while it is on its way; 0 once it is durable.
  //   Requires   index <= last().index.
  [[nodiscard]] ChangeNumber change_of(LogIndex index) const;

  // ---- Entries in memory ----
  // Returns the first entry that is in memory with all behind it; last().index + 1 if none is.
  [[nodiscard]] LogIndex first_cached() const { return terms_.last_index() + 1 - cached_.size(); }
  [[nodiscard]] std::size_t cached_bytes() const { return cached_bytes_; }
  // Requires   first_cached() <= index <= last().index.
  [[nodiscard]] const Entry& entry(LogIndex index) const;
  // Returns those from `first` to `last`, or the first few of them: at least one, and as many as
  // fit into `bytes_max`.
  //   Requires   first_cached() <= first <= last <= last().index.
  [[nodiscard]] std::vector<Entry> entries(LogIndex first, LogIndex last,
                                           std::size_t bytes_max) const;
  // Forgets entries up to `last`, as far as they are durable: storage has them.
  void forget_up_to(LogIndex last);
  // The same, from the first on, until no more than so many bytes are in memory.
  void forget_beyond(std::size_t bytes_max);

 private:
  struct Pending {
    ChangeNumber change;
    LogIndex index;
  };

  void forget_first();

  TermRuns terms_;
  LogIndex durable_ = 0;
  std::int64_t last_log_time_ = 0;
  std::deque<Pending> pending_;  // appended, and not durable
  std::deque<Entry> cached_;     // the last entries
  std::size_t cached_bytes_ = 0;
};

// Returns about how much memory an entry takes, and how much of a message.
[[nodiscard]] std::size_t bytes_of(const Entry& entry);
[[nodiscard]] std::size_t bytes_of(const std::vector<Entry>& entries);

}  // namespace coracle::raft
