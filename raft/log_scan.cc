#include "raft/log_scan.h"

#include "runtime/check.h"

namespace coracle::raft {

bool LogScan::add(std::string_view name, std::span<const std::byte> file) {
  CORACLE_CHECK(refusal_.empty(), "what was refused is not read on");
  std::string why;
  const auto header = read_segment_header(file, why);
  if (!header) return refuse(name, 0, why);
  if (!check_header(name, *header)) return false;
  headers_.push_back(*header);

  bool has_records = false;
  const SegmentTail tail =
      scan_segment(file, *header, [&](const LogRecord& record, std::size_t at) {
        if (!refusal_.empty()) return;
        has_records = true;
        // A segment is begun when all before it is synced.
        if (tail_.torn()) {
          refuse(current_name_, tail_.end,
                 "is damaged: " + std::string(name) + " was written after it");
          return;
        }
        take(name, record, at);
      });
  if (!refusal_.empty()) return false;
  if (tail.survivor) {
    return refuse(name, tail.end,
                  "is damaged: the record at byte " + std::to_string(*tail.survivor) +
                      " was written after it was durable");
  }
  if (has_records || headers_.size() == 1) {
    current_ = headers_.size() - 1;
    current_name_ = name;
    tail_ = tail;
  } else if (tail.torn() && tail_.torn()) {
    return refuse(current_name_, tail_.end, "is torn, and so is " + std::string(name));
  } else if (tail.torn()) {  // the first write to it was cut off
    current_ = headers_.size() - 1;
    current_name_ = name;
    tail_ = tail;
  }
  if (tail.torn()) {
    damages_.push_back(std::string(name) + " is cut at byte " + std::to_string(tail.end) +
                       ": a write was cut off there by a crash");
  }
  return true;
}

bool LogScan::check_header(std::string_view name, const SegmentHeader& header) {
  const auto number = segment_number(name);
  if (!number || *number != header.number) {
    return refuse(name, 0, "was segment " + std::to_string(header.number));
  }
  if (header.number != headers_.size() + 1) {
    return refuse(name, 0, "comes without segment " + std::to_string(headers_.size() + 1));
  }
  if (header.cluster != identity_.cluster || header.server != identity_.self) {
    return refuse(name, 0,
                  "belongs to server " + std::to_string(header.server) + " of cluster " +
                      std::to_string(header.cluster));
  }
  if (header.directory != identity_.incarnation.directory) {
    return refuse(name, 0, "comes from another directory of this server");
  }
  return true;
}

void LogScan::take(std::string_view name, const LogRecord& record, std::size_t offset) {
  if (const std::string why = misfit(record); !why.empty()) {
    refuse(name, offset, why);
    return;
  }
  change_ = record.change;
  if (record.kind == RecordKind::truncation) {
    terms_.resize(record.position.index);
    places_.resize(record.position.index);
    return;
  }
  terms_.push_back(record.position.term);
  places_.push_back({.segment = static_cast<std::uint32_t>(headers_.size() - 1),
                     .offset = static_cast<std::uint32_t>(offset)});
}

// What no server writes behind what it had written.
std::string LogScan::misfit(const LogRecord& record) const {
  const LogPosition position = record.position;
  if (record.change <= change_) {
    return "is change " + std::to_string(record.change) + " behind change " +
           std::to_string(change_);
  }
  if (record.kind == RecordKind::truncation) {
    const bool is_known = position.index <= terms_.size();
    const Term term = !is_known || position.index == 0 ? 0 : terms_[position.index - 1];
    if (is_known && term == position.term) return {};
    return "keeps entry " + std::to_string(position.index) + " of term " +
           std::to_string(position.term) + ", which is not there";
  }
  if (position.index != terms_.size() + 1) {
    return "is entry " + std::to_string(position.index) + " behind entry " +
           std::to_string(terms_.size());
  }
  const Term last_term = terms_.empty() ? 1 : terms_.back();
  if (position.term >= last_term) return {};
  return "is of term " + std::to_string(position.term) + " behind term " +
         std::to_string(last_term);
}

bool LogScan::refuse(std::string_view name, std::size_t offset, const std::string& why) {
  refusal_ = "byte " + std::to_string(offset) + " of " + std::string(name) + " " + why;
  return false;
}

}  // namespace coracle::raft
