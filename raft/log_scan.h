// What all segments of a log together say, and whether that fits to the hard state beside them.
// Pure; the files come in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raft/entry_index.h"
#include "raft/hard_state.h"
#include "raft/log_segment.h"
#include "raft/term_runs.h"
#include "raft/types.h"

namespace coracle::raft {

// Walks over segments. What it finds is either a log without a gap, or a refusal: what is missing
// or damaged, in which file and at which byte.
class LogScan {
 public:
  // Of this cluster, server and directory all segments must be. (D7)
  explicit LogScan(const Identity& identity) : identity_(identity) {}

  // Takes the next file, by the order of the numbers in the names.
  //   Returns    false if a server must not start on it; refusal() says why.
  //   Requires   no refusal before.
  [[nodiscard]] bool add(std::string_view name, std::span<const std::byte> file);
  // Says that there are no more files, and what hard_state says: changes of both are one sequence,
  // each durable before the next, so each of the two can tell that something of the other is lost.
  //   Returns, Requires  the same.
  [[nodiscard]] bool finish(const HardStateRecord& server);

  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  // Of each entry, beginning with index 1: its term, and where it stands.
  [[nodiscard]] const TermRuns& terms() const { return terms_; }
  [[nodiscard]] const EntryIndex& entries() const { return entries_; }
  // Returns    the latest time that was ever stamped on an entry, also on one that was truncated.
  [[nodiscard]] std::int64_t last_log_time() const { return last_log_time_; }
  // Returns    the last change that the log includes; 0 for none.
  [[nodiscard]] ChangeNumber change() const { return change_; }

  // The segment that the next record goes to: how many come before it, and what stands behind its
  // records. Those behind it have no records.
  [[nodiscard]] std::size_t current() const { return current_; }
  [[nodiscard]] const SegmentTail& tail() const { return tail_; }
  [[nodiscard]] const std::vector<SegmentHeader>& headers() const { return headers_; }

  // What a crash had cut off, one sentence each.
  [[nodiscard]] const std::vector<std::string>& damages() const { return damages_; }

 private:
  // A number, and the record that brought it.
  struct Highest {
    std::uint64_t number = 0;
    std::string name;
    std::size_t offset = 0;
  };

  [[nodiscard]] bool check_header(std::string_view name, const SegmentHeader& header);
  [[nodiscard]] bool walk(std::string_view name, std::span<const std::byte> file);
  [[nodiscard]] bool go_on_at(std::string_view name, const SegmentTail& tail, bool has_records);
  [[nodiscard]] bool finish_with(const LogMark& mark);
  void take(std::string_view name, const LogRecord& record, std::size_t offset);
  [[nodiscard]] std::string misfit(const LogRecord& record) const;
  [[nodiscard]] std::string misfit_of_numbers(const LogRecord& record) const;
  bool refuse(std::string_view name, std::size_t offset, const std::string& why);

  Identity identity_;
  std::vector<SegmentHeader> headers_;
  TermRuns terms_;
  EntryIndex entries_;
  std::int64_t last_log_time_ = 0;
  ChangeNumber change_ = 0;
  Highest hard_state_;  // change that a record was written behind
  Highest term_;        // of an entry, be it truncated
  std::size_t current_ = 0;
  std::string current_name_;
  SegmentTail tail_;
  std::vector<std::string> damages_;
  std::string refusal_;
};

}  // namespace coracle::raft
