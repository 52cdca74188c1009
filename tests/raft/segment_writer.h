// Builds the files of segments, for tests of what is read from them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "raft/log_segment.h"

namespace coracle::raft {

using Bytes = std::vector<std::byte>;

inline constexpr Identity kIdentity{
    .cluster = 7, .self = 3, .incarnation = {.directory = 99, .start = 1}};
inline constexpr std::uint64_t kSize = 8192;

inline SegmentHeader header_of(std::uint64_t number) {
  return {.cluster = 7, .server = 3, .directory = 99, .number = number, .size = kSize};
}

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// Builds the file of a segment, batch by batch.
class SegmentWriter {
 public:
  explicit SegmentWriter(std::uint64_t number) : header_(header_of(number)) {
    file_ = segment_header_block(header_);
  }

  void begin_batch() { batch_ = file_.size(); }
  SegmentWriter& entry(LogIndex index, Term term, std::string_view text = "x") {
    const Bytes data = bytes_of(text);
    return add({.kind = RecordKind::entry,
                .position = {.term = term, .index = index},
                .entry_kind = EntryKind::command,
                .log_time = log_time_,
                .data = data});
  }
  SegmentWriter& truncation(LogIndex index, Term term) {
    return add({.kind = RecordKind::truncation, .position = {.term = term, .index = index}});
  }
  void set_change(ChangeNumber change) { change_ = change; }
  void set_hard_state(ChangeNumber change) { hard_state_ = change; }
  void set_log_time(std::int64_t time) { log_time_ = time; }

  [[nodiscard]] std::size_t size() const { return file_.size(); }
  [[nodiscard]] Bytes file() const {
    Bytes whole = file_;
    whole.resize(kSize);
    return whole;
  }
  [[nodiscard]] const SegmentHeader& header() const { return header_; }

 private:
  SegmentWriter& add(LogRecord record) {
    record.change = ++change_;
    record.hard_state = hard_state_;
    record.batch_offset = static_cast<std::uint32_t>(batch_);
    append_record(file_, record, header_.seed());
    return *this;
  }

  SegmentHeader header_;
  Bytes file_;
  std::size_t batch_ = kSegmentHeaderBytes;
  ChangeNumber change_ = 0;
  ChangeNumber hard_state_ = 0;
  std::int64_t log_time_ = -5;
};

}  // namespace coracle::raft
