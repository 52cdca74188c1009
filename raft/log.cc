#include "raft/log.h"

#include <algorithm>
#include <utility>

#include "runtime/check.h"

namespace coracle::raft {

Log::Log(std::vector<Term> terms) : Log(std::move(terms), 0) { durable_ = terms_.size(); }

Log::Log(std::vector<Term> terms, LogIndex durable) : terms_(std::move(terms)), durable_(durable) {
  CORACLE_CHECK(std::ranges::is_sorted(terms_), "terms in a log never fall (Raft §5.3)");
  CORACLE_CHECK(terms_.empty() || terms_.front() > 0, "no entry is of term 0");
  CORACLE_CHECK(durable_ <= terms_.size(), "only entries we hold can be durable");
}

bool Log::holds(LogPosition position) const {
  return position.index <= terms_.size() && at(position.index).term == position.term;
}

LogPosition Log::conflict_with(LogPosition previous) const {
  CORACLE_CHECK(!holds(previous), "what we hold is no conflict");
  if (previous.index > terms_.size()) return {.term = 0, .index = terms_.size() + 1};
  const Term term = at(previous.index).term;
  if (term == 0) return {.term = 0, .index = 1};  // asked for index 0 under a term that is not 0
  const auto first = std::ranges::lower_bound(terms_, term);
  return {.term = term, .index = static_cast<LogIndex>(first - terms_.begin()) + 1};
}

LogPosition Log::at(LogIndex index) const {
  return {.term = index == 0 ? 0 : terms_[index - 1], .index = index};
}

}  // namespace coracle::raft
