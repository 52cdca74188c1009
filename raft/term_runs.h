// Of which term each entry of a log is, in as much memory as there are changes of term.
#pragma once

#include <vector>

#include "raft/types.h"

namespace coracle::raft {

// From `first` on, entries are of `term`, until the next run begins.
struct TermRun {
  LogIndex first = 0;
  Term term = 0;

  friend bool operator==(const TermRun&, const TermRun&) = default;
};

// The terms of entries 1 to n.
class TermRuns {
 public:
  [[nodiscard]] LogIndex last_index() const { return last_index_; }
  [[nodiscard]] const std::vector<TermRun>& runs() const { return runs_; }

  // Returns    the term of an entry; 0 before the first.
  //   Requires   index <= last_index().
  [[nodiscard]] Term at(LogIndex index) const;
  // Returns    where the log ends; {0, 0} when it is empty.
  [[nodiscard]] LogPosition last() const { return {.term = at(last_index_), .index = last_index_}; }

  // Return     the first or the last entry of a term; 0 if there is none.
  [[nodiscard]] LogIndex first_of_term(Term term) const;
  [[nodiscard]] LogIndex last_of_term(Term term) const;

  //   Requires   a term that is not 0 and not below the last one.
  void append(Term term);
  // Keeps the entries up to `last`.
  //   Requires   last <= last_index().
  void truncate_behind(LogIndex last);

 private:
  std::vector<TermRun> runs_;
  LogIndex last_index_ = 0;
};

}  // namespace coracle::raft
