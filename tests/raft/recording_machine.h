// A state machine that remembers what it was given, and how an applier is tried with it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "raft/applier.h"
#include "runtime/run.h"

namespace coracle::raft {

// Answers each command with its text and the index at which it was applied: "x@7".
class RecordingMachine final : public StateMachine {
 public:
  [[nodiscard]] Task<std::vector<SharedBytes>> apply(std::span<const Command> commands) override {
    std::vector<SharedBytes> results;
    for (const Command& command : commands) {
      const std::string text{SharedBytes(command.data).text()};
      applied.push_back(text);
      log_times.push_back(command.log_time);
      results.emplace_back(text + "@" + std::to_string(command.index));
    }
    ++calls;
    co_return results;
  }

  std::vector<std::string> applied;
  std::vector<std::int64_t> log_times;
  int calls = 0;
};

inline Task<> apply_and_keep(Applier& applier, LogIndex first, std::span<const Entry> entries,
                             std::vector<Applied>& applied) {
  applied = co_await applier.apply(first, entries);
}

// Applies entries as one batch.
inline std::vector<Applied> apply(Applier& applier, LogIndex first,
                                  std::span<const Entry> entries) {
  std::vector<Applied> applied;
  run(apply_and_keep(applier, first, entries, applied));
  return applied;
}

// ---- Entries, as a leader appends them ----

inline Entry command_entry(std::string_view text, std::int64_t log_time = 0) {
  return {.term = 1, .kind = EntryKind::command, .log_time = log_time, .data = SharedBytes(text)};
}

inline Entry session_entry(const SessionChange& change, std::int64_t log_time = 0) {
  return {.term = 1, .kind = EntryKind::session, .log_time = log_time, .data = encode(change)};
}

inline Entry session_command_entry(const SessionCommand& command, std::string_view text,
                                   std::int64_t log_time = 0) {
  return {.term = 1,
          .kind = EntryKind::session_command,
          .log_time = log_time,
          .data = encode(command, std::as_bytes(std::span(text)))};
}

}  // namespace coracle::raft
