#include "raft/log.h"

#include <algorithm>
#include <utility>

#include "runtime/check.h"

namespace coracle::raft {

std::size_t bytes_of(const Entry& entry) {
  constexpr std::size_t kOverhead = 64;  // its fields, and what holds its bytes
  return kOverhead + entry.data.size();
}

std::size_t bytes_of(const std::vector<Entry>& entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += bytes_of(entry);
  return bytes;
}

Log::Log(TermRuns terms, std::int64_t last_log_time)
    : terms_(std::move(terms)), durable_(terms_.last_index()), last_log_time_(last_log_time) {}

Log::Log(const std::vector<Term>& terms) {
  for (const Term term : terms) terms_.append(term);
  durable_ = terms_.last_index();
}

LogPosition Log::at(LogIndex index) const { return {.term = terms_.at(index), .index = index}; }

bool Log::holds(LogPosition position) const {
  return position.index <= terms_.last_index() && terms_.at(position.index) == position.term;
}

LogPosition Log::conflict_with(LogPosition previous) const {
  CORACLE_CHECK(!holds(previous), "what we hold is no conflict");
  if (previous.index > terms_.last_index()) return {.term = 0, .index = terms_.last_index() + 1};
  if (previous.index == 0) return {.term = 0, .index = 1};  // under a term that is not 0
  const Term term = terms_.at(previous.index);
  return {.term = term, .index = terms_.first_of_term(term)};
}

LogIndex Log::last_of_term(Term term) const { return terms_.last_of_term(term); }

// ---- Changes ----

void Log::append(Entry entry, ChangeNumber change) {
  CORACLE_CHECK(pending_.empty() || change > pending_.back().change, "changes are numbered");
  terms_.append(entry.term);
  pending_.push_back({.change = change, .index = terms_.last_index()});
  last_log_time_ = std::max(last_log_time_, entry.log_time);
  cached_bytes_ += bytes_of(entry);
  cached_.push_back(std::move(entry));
}

void Log::truncate_behind(LogIndex last) {
  const LogIndex before = terms_.last_index();
  terms_.truncate_behind(last);
  for (LogIndex gone = before; gone > last && !cached_.empty(); --gone) {
    cached_bytes_ -= bytes_of(cached_.back());
    cached_.pop_back();
  }
  while (!pending_.empty() && pending_.back().index > last) pending_.pop_back();
  durable_ = std::min(durable_, last);
}

void Log::durable_up_to(ChangeNumber change) {
  while (!pending_.empty() && pending_.front().change <= change) {
    durable_ = pending_.front().index;
    pending_.pop_front();
  }
}

ChangeNumber Log::change_of(LogIndex index) const {
  CORACLE_CHECK(index <= terms_.last_index(), "only entries we hold become durable");
  if (index <= durable_) return 0;
  return pending_[index - durable_ - 1].change;
}

// ---- Entries in memory ----

const Entry& Log::entry(LogIndex index) const {
  CORACLE_CHECK(index >= first_cached() && index <= terms_.last_index(), "this entry is in memory");
  return cached_[index - first_cached()];
}

std::vector<Entry> Log::entries(LogIndex first, LogIndex last, std::size_t bytes_max) const {
  CORACLE_CHECK(first >= first_cached() && first <= last && last <= terms_.last_index(),
                "these entries are in memory");
  LogIndex end = first + 1;
  std::size_t bytes = bytes_of(entry(first));
  while (end <= last && bytes + bytes_of(entry(end)) <= bytes_max) bytes += bytes_of(entry(end++));
  const auto begin = cached_.begin() + static_cast<std::ptrdiff_t>(first - first_cached());
  return {begin, begin + static_cast<std::ptrdiff_t>(end - first)};
}

void Log::forget_first() {
  cached_bytes_ -= bytes_of(cached_.front());
  cached_.pop_front();
}

void Log::forget_up_to(LogIndex last) {
  last = std::min(last, durable_);
  while (first_cached() <= last) forget_first();
}

void Log::forget_beyond(std::size_t bytes_max) {
  while (cached_bytes_ > bytes_max && first_cached() <= durable_) forget_first();
}

}  // namespace coracle::raft
