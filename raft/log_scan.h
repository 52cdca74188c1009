// What all segments of a log together say. Pure; the files come in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raft/log_segment.h"
#include "raft/types.h"

namespace coracle::raft {

// Where an entry stands.
struct EntryPlace {
  std::uint32_t segment = 0;  // how many segments come before its own
  std::uint32_t offset = 0;   // of its record in the file

  friend bool operator==(const EntryPlace&, const EntryPlace&) = default;
};

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

  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  // Of each entry, beginning with index 1: its term, and its place.
  [[nodiscard]] const std::vector<Term>& terms() const { return terms_; }
  [[nodiscard]] const std::vector<EntryPlace>& places() const { return places_; }
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
  [[nodiscard]] bool check_header(std::string_view name, const SegmentHeader& header);
  void take(std::string_view name, const LogRecord& record, std::size_t offset);
  [[nodiscard]] std::string misfit(const LogRecord& record) const;
  bool refuse(std::string_view name, std::size_t offset, const std::string& why);

  const Identity identity_;
  std::vector<SegmentHeader> headers_;
  std::vector<Term> terms_;
  std::vector<EntryPlace> places_;
  ChangeNumber change_ = 0;
  std::size_t current_ = 0;
  std::string current_name_;
  SegmentTail tail_;
  std::vector<std::string> damages_;
  std::string refusal_;
};

}  // namespace coracle::raft
