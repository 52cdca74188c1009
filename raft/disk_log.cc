#include "raft/disk_log.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "raft/log_piece.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::raft {
namespace {

// What is kept of the buffer of a large batch.
constexpr std::size_t kBufferBytesKept = std::size_t{1} << 20;

Task<std::vector<std::byte>> read_whole(std::string path) {
  File file = co_await File::open(path, OpenMode::read);
  const std::uint64_t size = co_await file.size();
  std::vector<std::byte> bytes(size);
  const std::size_t read = co_await file.read_at(bytes, 0);
  bytes.resize(read);
  co_return bytes;
}

[[noreturn]] void refuse(const std::string& directory, const std::string& why) {
  throw Error(EPERM, "start on", directory + " (" + why + ")");
}

Task<> fill(File& file, LogPiece& piece) {
  const std::size_t read = co_await file.read_at(piece.bytes, piece.offset);
  piece.bytes.resize(read);
}

// An entry that may be longer than a read is meant to be: its header tells how long.
Task<std::optional<Entry>> read_one(File& file, SegmentHeader header, LogIndex index,
                                    std::size_t offset) {
  LogPiece piece{.offset = offset, .seed = header.seed()};
  if (header.size - offset < kRecordHeaderBytes) co_return std::nullopt;
  piece.bytes.resize(kRecordHeaderBytes);
  co_await fill(file, piece);
  if (piece.bytes.size() < kRecordHeaderBytes) co_return std::nullopt;
  const std::size_t bytes = claimed_bytes(piece.bytes);
  if (bytes > header.size - offset) co_return std::nullopt;
  piece.bytes.resize(bytes);
  co_await fill(file, piece);
  co_return entry_in(piece, index);
}

std::size_t record_bytes_of(const Change& change) {
  const auto* appended = std::get_if<AppendedEntry>(&change.what);
  return record_bytes(appended == nullptr ? 0 : appended->entry.data.size());
}

}  // namespace

DiskLog::DiskLog(SegmentFiles files, const HardStateRecord& server, DiskLogOptions options)
    : files_(std::move(files)), server_(server), options_(options) {}

Task<DiskLog> DiskLog::open(std::string_view server_directory, const HardStateRecord& server,
                            DiskLogOptions options) {
  CORACLE_CHECK(options.segment_bytes > kSegmentHeaderBytes, "a segment has room for records");
  CORACLE_CHECK(options.segment_bytes <= std::size_t{1} << 30, "offsets in a segment are small");
  return open_path(std::string(server_directory), server, options);
}

Task<DiskLog> DiskLog::open_path(std::string above, HardStateRecord server,
                                 DiskLogOptions options) {
  SegmentFiles files(above + "/log");
  // One that was made and is gone is not made again before the scan has seen that.
  const bool exists = co_await file_exists(files.directory());
  if (!exists && server.log.made) {
    LogScan nothing(server.identity);
    if (!nothing.finish(server)) refuse(files.directory(), nothing.refusal());
  }
  co_await make_directory(files.directory());
  co_await sync_directory(above);
  DiskLog log(std::move(files), server, options);
  co_await log.recover();
  co_return log;
}

Task<> DiskLog::recover() {
  const SegmentNames names = co_await files_.list();
  LogScan scan(server_.identity);
  std::vector<std::byte> current;  // the bytes of the segment that is written on
  for (const std::string& name : names.segments) {
    std::vector<std::byte> bytes = co_await read_whole(files_.directory() + "/" + name);
    if (!scan.add(name, bytes)) refuse(files_.directory(), scan.refusal());
    if (scan.current() + 1 == scan.headers().size()) current = std::move(bytes);
  }
  if (!scan.finish(server_)) refuse(files_.directory(), scan.refusal());
  for (const std::string& name : names.unfinished) {
    co_await remove_file(files_.directory() + "/" + name);
  }
  if (names.segments.empty()) {
    co_await begin_segment(0);
  } else {
    co_await recover_current(scan, std::move(current));
  }
}

// What was read may stand in the page cache only. All segments before the current one had been
// synced when it was begun; its own records are written again, and what was cut off is erased, so
// that it cannot be taken for something later.
Task<> DiskLog::recover_current(const LogScan& found, std::vector<std::byte> current) {
  headers_ = found.headers();
  current_ = found.current();
  terms_ = found.terms();
  entries_ = found.entries();
  found_log_time_ = found.last_log_time();
  change_ = found.change();
  damages_ = found.damages();
  end_ = found.tail().end;
  file_ = co_await files_.update(headers_[current_].number);
  std::fill(current.begin() + static_cast<std::ptrdiff_t>(end_), current.end(), std::byte{0});
  co_await file_->write_durably_at(std::span(current).first(found.tail().used_end), 0);
  co_await sync_directory(files_.directory());  // names may be as fresh
}

// ---- Writing ----

Task<> DiskLog::append(std::span<const Change> changes, HardStateRecord hard_state) {
  CORACLE_CHECK(!changes.empty(), "a batch has a change");
  if (failed_) throw Error(EIO, "write", file_->path() + " (a write before was not completed)");
  failed_ = true;
  std::size_t bytes = 0;
  for (const Change& change : changes) bytes += record_bytes_of(change);
  co_await make_room(bytes);
  encode(changes, hard_state);
  co_await file_->write_durably_at(buffer_, end_);
  for (const Change& change : changes) {
    const std::size_t size = record_bytes_of(change);
    note(change, end_, size);
    end_ += size;
  }
  if (buffer_.capacity() > kBufferBytesKept) buffer_ = {};
  failed_ = false;
}

// All before is synced: so is every batch when it ends.
Task<> DiskLog::make_room(std::size_t bytes) {
  if (end_ + bytes <= headers_[current_].size) co_return;
  files_.keep(headers_[current_].number, file_);  // followers that are behind still read from it
  if (current_ + 1 < headers_.size() &&
      kSegmentHeaderBytes + bytes <= headers_[current_ + 1].size) {
    file_ = co_await files_.update(headers_[current_ + 1].number);
    ++current_;
    end_ = kSegmentHeaderBytes;
  } else {
    co_await begin_segment(bytes);
  }
}

Task<> DiskLog::begin_segment(std::size_t bytes) {
  const std::size_t size = std::max(options_.segment_bytes, kSegmentHeaderBytes + bytes);
  CORACLE_CHECK(size <= std::numeric_limits<std::uint32_t>::max(), "a batch has less than 4 GiB");
  const SegmentHeader header{.cluster = server_.identity.cluster,
                             .server = server_.identity.self,
                             .directory = server_.identity.incarnation.directory,
                             .number = headers_.empty() ? 1 : headers_.back().number + 1,
                             .size = size};
  file_ = co_await files_.make(header);
  headers_.push_back(header);
  current_ = headers_.size() - 1;
  end_ = kSegmentHeaderBytes;
}

void DiskLog::encode(std::span<const Change> changes, const HardStateRecord& hard_state) {
  buffer_.clear();
  const std::uint64_t seed = headers_[current_].seed();
  ChangeNumber last = std::max(change_, hard_state.change);
  for (const Change& change : changes) {
    CORACLE_CHECK(change.number > last, "changes are written in their order");
    last = change.number;
    LogRecord record{.change = change.number,
                     .batch_offset = static_cast<std::uint32_t>(end_),
                     .hard_state = hard_state.change};
    if (const auto* appended = std::get_if<AppendedEntry>(&change.what)) {
      CORACLE_CHECK(appended->entry.term <= hard_state.hard_state.term,
                    "a term is durable before its entries are written (T1)");
      take(*appended, record);
    } else {
      take(std::get<Truncation>(change.what), record);
    }
    append_record(buffer_, record, seed);
  }
}

void DiskLog::take(const AppendedEntry& appended, LogRecord& record) {
  const auto& [index, entry] = appended;
  CORACLE_CHECK(index == terms_.last_index() + 1, "entries follow each other");
  terms_.append(entry.term);
  record.kind = RecordKind::entry;
  record.position = {.term = entry.term, .index = index};
  record.entry_kind = entry.kind;
  record.log_time = entry.log_time;
  record.data = entry.data;
}

void DiskLog::take(const Truncation& truncation, LogRecord& record) {
  terms_.truncate_behind(truncation.last.index);
  CORACLE_CHECK(terms_.last() == truncation.last, "only what is there can stay");
  record.kind = RecordKind::truncation;
  record.position = truncation.last;
}

// Where it stands, now that it is durable.
void DiskLog::note(const Change& change, std::size_t offset, std::size_t bytes) {
  change_ = change.number;
  if (const auto* truncation = std::get_if<Truncation>(&change.what)) {
    entries_.truncate_behind(truncation->last.index);
    return;
  }
  entries_.append({.segment = static_cast<std::uint32_t>(current_),
                   .offset = static_cast<std::uint32_t>(offset)},
                  bytes);
}

// ---- Reading ----

Task<std::vector<Entry>> DiskLog::read(LogIndex first, LogIndex last, std::size_t bytes_max) {
  CORACLE_CHECK(first >= 1 && first <= last && last <= last_index(), "these entries are there");
  bytes_max = std::min(bytes_max, std::size_t{1} << 30);  // no sum of it overflows
  const EntryIndex::Way way = entries_.way(first, last, bytes_max);
  const EntryPlace begin = way.rows.front().place;
  const SegmentHeader header = headers_[begin.segment];
  std::shared_ptr<File> file = begin.segment == current_ ? file_ : nullptr;
  if (file == nullptr) file = co_await files_.read(header.number);

  LogPiece piece{.offset = begin.offset, .seed = header.seed()};
  const std::size_t rest = header.size - begin.offset;
  piece.bytes.resize(std::min(EntryIndex::kRowBytes + bytes_max, rest));
  co_await fill(*file, piece);
  FoundEntries found = find_entries(piece, way, first, bytes_max);
  if (!found.entries.empty()) co_return std::move(found.entries);
  std::optional<Entry> entry;
  if (found.next == first) entry = co_await read_one(*file, header, first, found.offset);
  if (!entry) {
    throw Error(EIO, "read",
                files_.path_of(header.number) + " (byte " + std::to_string(found.offset) +
                    " is no record of entry " + std::to_string(found.next) + ")");
  }
  co_return std::vector<Entry>{std::move(*entry)};
}

}  // namespace coracle::raft
