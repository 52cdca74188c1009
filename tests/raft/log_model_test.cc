// The log in memory against a plain list: appends, deletions, durability and forgetting in any
// order. A5, A6, D9.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "raft/log.h"

namespace coracle::raft {
namespace {

Entry entry_of(Term term, std::size_t bytes, std::int64_t log_time) {
  return {.term = term,
          .kind = EntryKind::command,
          .log_time = log_time,
          .data = SharedBytes(std::string(bytes, 'x'))};
}

class Model {
 public:
  explicit Model(const std::vector<Term>& found) : first_cached_(found.size() + 1) {
    for (const Term term : found) slots_.push_back({.entry = {.term = term}});
  }

  void append(const Entry& entry, ChangeNumber change) {
    slots_.push_back({.entry = entry, .change = change});
    last_log_time_ = std::max(last_log_time_, entry.log_time);
  }
  void truncate_behind(LogIndex last) {
    slots_.resize(last);
    first_cached_ = std::min(first_cached_, last + 1);
  }
  void durable_up_to(ChangeNumber change) {
    for (Slot& slot : slots_) {
      if (slot.change <= change) slot.change = 0;
    }
  }
  void forget_up_to(LogIndex last) {
    while (first_cached_ <= std::min(last, durable())) ++first_cached_;
  }
  void forget_beyond(std::size_t bytes_max) {
    while (cached_bytes() > bytes_max && first_cached_ <= durable()) ++first_cached_;
  }

  [[nodiscard]] LogIndex last() const { return slots_.size(); }
  [[nodiscard]] Term term(LogIndex index) const { return index ? slots_[index - 1].entry.term : 0; }
  [[nodiscard]] Term last_term() const { return term(last()); }

  // Every observer gives what the list says.
  void expect_equal(const Log& log) const {
    RC_ASSERT(log.last() == position(last()));
    RC_ASSERT(log.durable() == position(durable()));
    RC_ASSERT(log.last_log_time() == last_log_time_);
    RC_ASSERT(log.first_cached() == first_cached_);
    RC_ASSERT(log.cached_bytes() == cached_bytes());
    for (LogIndex index = 0; index <= last() + 2; ++index) {
      for (Term term = 0; term <= last_term() + 1; ++term) expect_position(log, {term, index});
      if (index > last()) continue;
      RC_ASSERT(log.at(index) == position(index));
      RC_ASSERT(log.change_of(index) == (index ? slots_[index - 1].change : 0));
      if (index >= first_cached_) RC_ASSERT(log.entry(index) == slots_[index - 1].entry);
    }
    for (Term term = 0; term <= last_term() + 1; ++term) {
      LogIndex found = 0;
      for (LogIndex index = 1; index <= last(); ++index) {
        if (this->term(index) == term) found = index;
      }
      RC_ASSERT(log.last_of_term(term) == found);
    }
  }

  void expect_batch(const Log& log, LogIndex first, std::size_t bytes_max) const {
    if (first < first_cached_ || first > last()) return;
    std::vector<Entry> expected;
    for (LogIndex index = first; index <= last(); ++index) {
      expected.push_back(slots_[index - 1].entry);
      if (expected.size() > 1 && bytes_of(expected) > bytes_max) {
        expected.pop_back();
        break;
      }
    }
    RC_ASSERT(log.entries(first, last(), bytes_max) == expected);
  }

 private:
  struct Slot {
    Entry entry{};
    ChangeNumber change = 0;  // none once it is durable
  };

  [[nodiscard]] LogPosition position(LogIndex index) const { return {term(index), index}; }
  [[nodiscard]] LogIndex durable() const {
    LogIndex index = 0;
    while (index < last() && slots_[index].change == 0) ++index;
    return index;
  }
  [[nodiscard]] std::size_t cached_bytes() const {
    std::size_t bytes = 0;
    for (LogIndex i = first_cached_; i <= last(); ++i) bytes += bytes_of(slots_[i - 1].entry);
    return bytes;
  }
  void expect_position(const Log& log, LogPosition asked) const {
    const bool held = asked.index <= last() && term(asked.index) == asked.term;
    RC_ASSERT(log.holds(asked) == held);
    if (held) return;
    LogPosition next{.term = 0, .index = last() + 1};
    if (asked.index <= last()) {
      next = position(asked.index);
      while (next.index > 1 && term(next.index - 1) == next.term) --next.index;
      next.index = std::max<LogIndex>(next.index, 1);
    }
    RC_ASSERT(log.conflict_with(asked) == next);
  }

  std::vector<Slot> slots_;
  LogIndex first_cached_;
  std::int64_t last_log_time_ = 0;
};

enum class Step : std::uint8_t { append, truncate, become_durable, forget, forget_beyond };

std::ostream& operator<<(std::ostream& stream, Step step) {
  static constexpr const char* kNames[] = {"append", "truncate", "become_durable", "forget",
                                           "forget_beyond"};
  return stream << kNames[static_cast<int>(step)];
}

// D9, A5, A6
RC_GTEST_PROP(LogModel, BehavesLikeAPlainList, ()) {
  const auto steps = *rc::gen::container<std::vector<std::tuple<Step, std::uint64_t>>>(
      rc::gen::tuple(rc::gen::weightedElement<Step>({{8, Step::append},
                                                     {3, Step::truncate},
                                                     {4, Step::become_durable},
                                                     {2, Step::forget},
                                                     {1, Step::forget_beyond}}),
                     rc::gen::inRange<std::uint64_t>(0, 1000)));
  std::vector<Term> found;
  for (Term term = 1;
       const int more : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 2))) {
    found.push_back(term += static_cast<Term>(more));
  }
  Log log(found);
  Model model(found);
  ChangeNumber made = 3;
  ChangeNumber durable = 3;
  for (const auto& [step, any] : steps) {
    const LogIndex up_to = any % (model.last() + 1);
    switch (step) {
      case Step::append: {
        const Entry entry = entry_of(std::max<Term>(model.last_term() + (any % 4 == 0 ? 1 : 0), 1),
                                     any % 90, static_cast<std::int64_t>(any));
        log.append(entry, ++made);
        model.append(entry, made);
        break;
      }
      case Step::truncate:
        ++made;
        log.truncate_behind(up_to);
        model.truncate_behind(up_to);
        break;
      case Step::become_durable:
        durable += any % (made - durable + 1);
        log.durable_up_to(durable);
        model.durable_up_to(durable);
        break;
      case Step::forget:
        log.forget_up_to(up_to);
        model.forget_up_to(up_to);
        break;
      case Step::forget_beyond:
        log.forget_beyond(any);
        model.forget_beyond(any);
        break;
    }
    model.expect_equal(log);
    model.expect_batch(log, up_to, any);
  }
}

}  // namespace
}  // namespace coracle::raft
