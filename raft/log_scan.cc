#include "raft/log_scan.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::raft {
namespace {

constexpr std::string_view kForget =
    ". Without it this server could forget what it has acknowledged: remove it from the cluster, "
    "and add it again under a new id";
constexpr std::string_view kVoteTwice =
    ". With it this server could vote twice in a term: remove it from the cluster, and add it "
    "again "
    "under a new id";

}  // namespace

bool LogScan::add(std::string_view name, std::span<const std::byte> file) {
  CORACLE_CHECK(refusal_.empty(), "what was refused is not read on");
  std::string why;
  const auto header = read_segment_header(file, why);
  if (!header) return refuse(name, 0, why);
  if (!check_header(name, *header)) return false;
  headers_.push_back(*header);
  return walk(name, file);
}

bool LogScan::walk(std::string_view name, std::span<const std::byte> file) {
  bool has_records = false;
  const SegmentTail tail =
      scan_segment(file, headers_.back(), [&](const LogRecord& record, std::size_t at) {
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
  return go_on_at(name, tail, has_records);
}

// Decides whether this is the segment that the next record goes to.
bool LogScan::go_on_at(std::string_view name, const SegmentTail& tail, bool has_records) {
  if (tail.torn() && tail_.torn()) {
    return refuse(current_name_, tail_.end, "is torn, and so is " + std::string(name));
  }
  if (has_records || tail.torn() || headers_.size() == 1) {
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

bool LogScan::finish(const HardStateRecord& server) {
  CORACLE_CHECK(refusal_.empty(), "what was refused is not read on");
  if (!finish_with(server.log)) return false;
  if (hard_state_.number > server.change) {
    return refuse(hard_state_.name, hard_state_.offset,
                  "was written behind change " + std::to_string(hard_state_.number) +
                      " of hard_state, which ends with change " + std::to_string(server.change) +
                      ": it is older than the log" + std::string(kVoteTwice));
  }
  // A term is adopted before anything of it is written. (T1)
  if (term_.number > server.hard_state.term) {
    return refuse(term_.name, term_.offset,
                  "is of term " + std::to_string(term_.number) + ", hard_state only of term " +
                      std::to_string(server.hard_state.term) + ": it is older than the log" +
                      std::string(kVoteTwice));
  }
  return true;
}

// Whether it is all of the log. (D8)
bool LogScan::finish_with(const LogMark& mark) {
  if (mark.made && headers_.empty()) {
    refusal_ = "the log is gone" + std::string(kForget);
    return false;
  }
  if (!mark.made && change_ > 0) {
    return refuse(segment_name(1), kSegmentHeaderBytes,
                  "is a record, and hard_state tells that there was no log yet: it is older than "
                  "the log" +
                      std::string(kVoteTwice));
  }
  if (change_ < mark.change) {
    return refuse(current_name_, tail_.end,
                  "is where the log ends, with change " + std::to_string(change_) +
                      "; hard_state tells that change " + std::to_string(mark.change) +
                      " of the log was durable" + std::string(kForget));
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
  if (record.hard_state > hard_state_.number) {
    hard_state_ = {.number = record.hard_state, .name = std::string(name), .offset = offset};
  }
  if (record.kind == RecordKind::truncation) {
    terms_.truncate_behind(record.position.index);
    entries_.truncate_behind(record.position.index);
    return;
  }
  if (record.position.term > term_.number) {
    term_ = {.number = record.position.term, .name = std::string(name), .offset = offset};
  }
  terms_.append(record.position.term);
  entries_.append({.segment = static_cast<std::uint32_t>(headers_.size() - 1),
                   .offset = static_cast<std::uint32_t>(offset)},
                  record_bytes(record.data.size()));
  last_log_time_ = std::max(last_log_time_, record.log_time);
}

// What no server writes behind what it had written.
std::string LogScan::misfit(const LogRecord& record) const {
  if (std::string why = misfit_of_numbers(record); !why.empty()) return why;
  const LogPosition position = record.position;
  if (record.kind == RecordKind::truncation) {
    const bool is_known = position.index <= terms_.last_index();
    if (is_known && terms_.at(position.index) == position.term) return {};
    return "keeps entry " + std::to_string(position.index) + " of term " +
           std::to_string(position.term) + ", which is not there";
  }
  if (position.index != terms_.last_index() + 1) {
    return "is entry " + std::to_string(position.index) + " behind entry " +
           std::to_string(terms_.last_index());
  }
  const Term last_term = std::max<Term>(terms_.last().term, 1);
  if (position.term >= last_term) return {};
  return "is of term " + std::to_string(position.term) + " behind term " +
         std::to_string(last_term);
}

std::string LogScan::misfit_of_numbers(const LogRecord& record) const {
  if (record.change <= change_) {
    return "is change " + std::to_string(record.change) + " behind change " +
           std::to_string(change_);
  }
  if (record.hard_state >= record.change || record.hard_state < hard_state_.number) {
    return "is change " + std::to_string(record.change) + ", but stands behind change " +
           std::to_string(record.hard_state) + " of hard_state";
  }
  return {};
}

bool LogScan::refuse(std::string_view name, std::size_t offset, const std::string& why) {
  refusal_ = "byte " + std::to_string(offset) + " of " + std::string(name) + " " + why;
  return false;
}

}  // namespace coracle::raft
