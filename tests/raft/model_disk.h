// What a server of a model cluster would find again after a crash.
#pragma once

#include <variant>
#include <vector>

#include "raft/storage.h"
#include "runtime/check.h"

namespace coracle::raft {

struct ModelDisk {
  HardState hard_state{};
  std::vector<Entry> log{};
  ChangeNumber change = 0;  // the last one that is in it

  void store(const Change& next) {
    CORACLE_CHECK(next.number > change, "changes are stored in their order");
    change = next.number;
    if (const auto* stored = std::get_if<HardState>(&next.what)) hard_state = *stored;
    if (const auto* appended = std::get_if<AppendedEntry>(&next.what)) {
      CORACLE_CHECK(appended->index == log.size() + 1, "entries are appended behind the last one");
      log.push_back(appended->entry);
    }
    if (const auto* truncated = std::get_if<Truncation>(&next.what)) {
      CORACLE_CHECK(truncated->last.index < log.size(), "a truncation removes something");
      log.resize(truncated->last.index);
    }
  }

  [[nodiscard]] bool holds(LogPosition position) const {
    return position.index <= log.size() &&
           (position.index == 0 || log[position.index - 1].term == position.term);
  }

  [[nodiscard]] Recovered recovered() const {
    TermRuns terms;
    for (const Entry& entry : log) terms.append(entry.term);
    const std::int64_t last_log_time = log.empty() ? 0 : log.back().log_time;
    return {.hard_state = hard_state, .change = change, .log = Log(terms, last_log_time)};
  }
};

}  // namespace coracle::raft
