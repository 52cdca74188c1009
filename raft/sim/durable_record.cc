#include "raft/sim/durable_record.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "raft/hard_state.h"
#include "raft/log_record.h"
#include "raft/log_segment.h"

namespace coracle::raft::sim {
namespace {

using coracle::sim::DiskView;

std::string file_in(const std::string& directory) { return directory + "/hard_state"; }
std::string segment_in(const std::string& directory, std::uint64_t number) {
  return directory + "/log/" + segment_name(number);
}

std::span<const std::byte> bytes_of(const std::string& file) {
  return std::as_bytes(std::span(file.data(), file.size()));
}
std::string_view text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

DurableRecord::DurableRecord(const coracle::sim::Disk& disk, const std::string& directory,
                             ClusterId cluster, ServerId self)
    : disk_(disk), directory_(directory), cluster_(cluster), self_(self) {}

HardState DurableRecord::read() const {
  const std::optional<std::string> file = disk_.read_file(file_in(directory_), DiskView::durable);
  if (!file) return {};
  const ReadHardState found = read_hard_state(bytes_of(*file), cluster_, self_);
  return found.refusal.empty() ? found.record.hard_state : HardState{};
}

const TermRuns& DurableRecord::log() const {
  while (const std::optional<std::uint64_t> next = read_segment()) {
    segment_ = *next;
    offset_ = 0;
  }
  return terms_;
}

bool DurableRecord::has_held(LogPosition position) const {
  if (holds(log(), position)) return true;
  return std::ranges::any_of(deleted_, [&](const Deleted& piece) {
    return piece.term == position.term && piece.first <= position.index &&
           position.index <= piece.last;
  });
}

bool holds(const TermRuns& log, LogPosition position) {
  return position.index <= log.last_index() && log.at(position.index) == position.term;
}

// Term by term, from the end.
void DurableRecord::delete_behind(LogIndex last) const {
  for (LogIndex end = terms_.last_index(); end > last;) {
    const Term term = terms_.at(end);
    const LogIndex first = std::max(last + 1, terms_.first_of_term(term));
    deleted_.push_back({.first = first, .last = end, .term = term});
    end = first - 1;
  }
  terms_.truncate_behind(last);
}

void DurableRecord::read_again() const {
  terms_ = {};
  deleted_.clear();
  segment_ = 1;
  offset_ = 0;
}

namespace {

// A segment that has been begun, and the seed of its records.
struct Segment {
  std::string file;
  std::uint64_t seed = 0;

  [[nodiscard]] std::optional<LogRecord> record(std::size_t offset) const {
    return read_record(bytes_of(file).subspan(offset), seed);
  }
};

std::optional<Segment> segment_of(const coracle::sim::Disk& disk, const std::string& path) {
  std::optional<std::string> file = disk.read_file(path, DiskView::durable);
  if (!file) return std::nullopt;
  std::string why;
  const auto header = read_segment_header(bytes_of(*file), why);
  if (!header) return std::nullopt;
  return Segment{.file = std::move(*file), .seed = header->seed()};
}

}  // namespace

// Returns    the segment in which the log goes on. One without a record may have been made by an
//            earlier life, or be too small for what came; what is written then goes on in this one,
//            or in one behind it.
std::optional<std::uint64_t> DurableRecord::read_segment() const {
  const auto segment = segment_of(disk_, segment_in(directory_, segment_));
  if (!segment) return std::nullopt;
  if (offset_ == 0) offset_ = kSegmentHeaderBytes;
  while (const auto record = segment->record(offset_)) {
    if (record->kind == RecordKind::truncation) {
      delete_behind(record->position.index);
    } else {
      terms_.append(record->position.term);
    }
    offset_ += record_bytes(record->data.size());
  }
  for (std::uint64_t number = segment_ + 1;; ++number) {
    const auto next = segment_of(disk_, segment_in(directory_, number));
    if (!next) return std::nullopt;
    if (next->record(kSegmentHeaderBytes)) return number;
  }
}

void write_directory(coracle::sim::Disk& disk, const std::string& directory,
                     const Identity& identity, const HardState& hard_state,
                     const std::vector<Term>& log) {
  const SegmentHeader header{.cluster = identity.cluster,
                             .server = identity.self,
                             .directory = identity.incarnation.directory,
                             .number = 1,
                             .size = kSegmentBytes};
  std::vector<std::byte> records;
  ChangeNumber change = 1;  // that of term and vote
  for (std::size_t i = 0; i < log.size(); ++i) {
    append_record(records,
                  {.change = ++change,
                   .batch_offset = kSegmentHeaderBytes,
                   .position = {.term = log[i], .index = i + 1},
                   .hard_state = 1},
                  header.seed());
  }
  std::vector<std::byte> segment = segment_header_block(header);
  segment.insert(segment.end(), records.begin(), records.end());
  segment.resize(kSegmentBytes);
  disk.write_file(segment_in(directory, 1), text_of(segment));

  const SlotWrite file = first_write({.identity = identity,
                                      .hard_state = hard_state,
                                      .change = 1,
                                      .log = {.made = true, .change = log.empty() ? 0 : change}});
  disk.write_file(file_in(directory), text_of(file.bytes));
}

}  // namespace coracle::raft::sim
