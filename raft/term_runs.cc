#include "raft/term_runs.h"

#include <algorithm>
#include <iterator>

#include "runtime/check.h"

namespace coracle::raft {

Term TermRuns::at(LogIndex index) const {
  CORACLE_CHECK(index <= last_index_, "only entries we hold have a term");
  if (index == 0) return 0;
  if (runs_.back().first <= index) return runs_.back().term;  // asked for most of the time
  const auto next = std::ranges::upper_bound(runs_, index, {}, &TermRun::first);
  return std::prev(next)->term;
}

LogIndex TermRuns::first_of_term(Term term) const {
  const auto run = std::ranges::lower_bound(runs_, term, {}, &TermRun::term);
  return run == runs_.end() || run->term != term ? 0 : run->first;
}

LogIndex TermRuns::last_of_term(Term term) const {
  const auto run = std::ranges::lower_bound(runs_, term, {}, &TermRun::term);
  if (run == runs_.end() || run->term != term) return 0;
  return std::next(run) == runs_.end() ? last_index_ : std::next(run)->first - 1;
}

void TermRuns::append(Term term) {
  CORACLE_CHECK(term > 0, "no entry is of term 0");
  CORACLE_CHECK(runs_.empty() || term >= runs_.back().term,
                "terms in a log never fall (Raft §5.3)");
  ++last_index_;
  if (runs_.empty() || runs_.back().term != term) {
    runs_.push_back({.first = last_index_, .term = term});
  }
}

void TermRuns::truncate_behind(LogIndex last) {
  CORACLE_CHECK(last <= last_index_, "only entries we hold can stay");
  last_index_ = last;
  while (!runs_.empty() && runs_.back().first > last) runs_.pop_back();
}

}  // namespace coracle::raft
