#include "raft/disk_log.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::raft {
namespace {

constexpr std::string_view kUnfinished = ".new";

SegmentHeader header_of(const Identity& identity, std::uint64_t number, std::size_t bytes) {
  return {.cluster = identity.cluster,
          .server = identity.self,
          .directory = identity.incarnation.directory,
          .number = number,
          .size = bytes};
}

// The segments' names in their order. What an interrupted start has left is removed.
Task<std::vector<std::string>> segments_in(std::string directory) {
  std::vector<std::string> segments;
  const std::vector<std::string> names = co_await list_directory(directory);
  for (const std::string& name : names) {
    if (segment_number(name)) {
      segments.push_back(name);
    } else if (name.ends_with(kUnfinished)) {
      co_await remove_file(directory + "/" + name);
    }
  }
  std::ranges::sort(segments, {}, [](const std::string& name) { return segment_number(name); });
  co_return segments;
}

Task<std::vector<std::byte>> read_whole(File& file) {
  const std::uint64_t size = co_await file.size();
  std::vector<std::byte> bytes(size);
  const std::size_t read = co_await file.read_at(bytes, 0);
  bytes.resize(read);
  co_return bytes;
}

[[noreturn]] void refuse(const std::string& directory, const std::string& why) {
  throw Error(EPERM, "start on", directory + " (" + why + ")");
}

Entry entry_of(const LogRecord& record) {
  return {.term = record.position.term,
          .kind = record.entry_kind,
          .log_time = record.log_time,
          .data = {record.data.begin(), record.data.end()}};
}

}  // namespace

DiskLog::DiskLog(std::string directory, Identity identity, DiskLogOptions options, File current)
    : directory_(std::move(directory)),
      identity_(identity),
      options_(options),
      file_(std::move(current)) {}

std::string DiskLog::path_of(std::size_t segment) const {
  return directory_ + "/" + segment_name(headers_[segment].number);
}

// Under another name until it is whole and synced: at each moment there is no file or a whole one.
Task<File> DiskLog::begin_segment_file(std::string directory, SegmentHeader header) {
  const std::string path = directory + "/" + segment_name(header.number);
  const std::string unfinished = path + std::string(kUnfinished);
  {
    File file = co_await File::open(unfinished, OpenMode::replace);
    co_await file.allocate(0, header.size);
    const std::vector<std::byte> block = segment_header_block(header);
    co_await file.write_at(block, 0);
    co_await file.datasync();
  }
  co_await rename_file(unfinished, path);
  co_await sync_directory(directory);
  co_return co_await File::open(path, OpenMode::update);
}

Task<DiskLog> DiskLog::open(std::string_view server_directory, Identity identity,
                            DiskLogOptions options) {
  CORACLE_CHECK(options.segment_bytes > kSegmentHeaderBytes, "a segment has room for records");
  return open_path(std::string(server_directory), identity, options);
}

Task<DiskLog> DiskLog::open_path(std::string directory, Identity identity, DiskLogOptions options) {
  const std::string above = directory;
  directory += "/log";
  co_await make_directory(directory);
  co_await sync_directory(above);
  const std::vector<std::string> segments = co_await segments_in(directory);
  if (segments.empty()) {
    const SegmentHeader header = header_of(identity, 1, options.segment_bytes);
    File first = co_await begin_segment_file(directory, header);
    DiskLog log(std::move(directory), identity, options, std::move(first));
    log.headers_.push_back(header);
    co_return log;
  }
  LogScan scan(identity);
  std::vector<std::byte> current;  // the bytes of the segment that is written on
  for (const std::string& name : segments) {
    File file = co_await File::open(directory + "/" + name, OpenMode::read);
    std::vector<std::byte> bytes = co_await read_whole(file);
    if (!scan.add(name, bytes)) refuse(directory, scan.refusal());
    if (scan.current() + 1 == scan.headers().size()) current = std::move(bytes);
  }
  File file = co_await File::open(directory + "/" + segments[scan.current()], OpenMode::update);
  DiskLog log(std::move(directory), identity, options, std::move(file));
  co_await log.recover(scan, std::move(current));
  co_return log;
}

// What was read may stand in the page cache only. All segments before the current one had been
// synced when it was begun; its own records are written again, and what was cut off is erased, so
// that it cannot be taken for something later.
Task<> DiskLog::recover(const LogScan& found, std::vector<std::byte> current) {
  headers_ = found.headers();
  current_ = found.current();
  places_ = found.places();
  found_terms_ = found.terms();
  change_ = found.change();
  damages_ = found.damages();
  end_ = found.tail().end;
  std::fill(current.begin() + static_cast<std::ptrdiff_t>(end_), current.end(), std::byte{0});
  co_await file_.write_at(std::span(current).first(found.tail().used_end), 0);
  co_await file_.datasync();
  co_await sync_directory(directory_);  // names may be as fresh
}

Task<> DiskLog::append(std::span<const LogChange> changes) {
  CORACLE_CHECK(!changes.empty(), "a batch has a change");
  if (failed_) throw Error(EIO, "write", file_.path() + " (a write before was not completed)");
  failed_ = true;
  std::size_t bytes = 0;
  for (const LogChange& change : changes) {
    bytes += record_bytes(change.entry == nullptr ? 0 : change.entry->data.size());
  }
  co_await make_room(bytes);
  encode(changes);
  co_await file_.write_at(buffer_, end_);
  co_await file_.datasync();
  note(changes, end_);
  end_ += bytes;
  failed_ = false;
}

// All before is synced: so is every batch when it ends.
Task<> DiskLog::make_room(std::size_t bytes) {
  if (end_ + bytes <= headers_[current_].size) co_return;
  if (current_ + 1 < headers_.size() &&
      kSegmentHeaderBytes + bytes <= headers_[current_ + 1].size) {
    ++current_;
    file_ = co_await File::open(path_of(current_), OpenMode::update);
  } else {
    const std::size_t size = std::max(options_.segment_bytes, kSegmentHeaderBytes + bytes);
    const SegmentHeader header = header_of(identity_, headers_.back().number + 1, size);
    file_ = co_await begin_segment_file(directory_, header);
    headers_.push_back(header);
    current_ = headers_.size() - 1;
  }
  end_ = kSegmentHeaderBytes;
}

void DiskLog::encode(std::span<const LogChange> changes) {
  buffer_.clear();
  const std::uint64_t seed = headers_[current_].seed();
  for (const LogChange& change : changes) {
    LogRecord record{.kind = RecordKind::truncation,
                     .change = change.number,
                     .batch_offset = static_cast<std::uint32_t>(end_),
                     .position = change.position};
    if (change.entry != nullptr) {
      record.kind = RecordKind::entry;
      record.entry_kind = change.entry->kind;
      record.log_time = change.entry->log_time;
      record.data = change.entry->data;
    }
    append_record(buffer_, record, seed);
  }
}

// Where they stand, now that they are durable.
void DiskLog::note(std::span<const LogChange> changes, std::size_t offset) {
  for (const LogChange& change : changes) {
    CORACLE_CHECK(change.number > change_, "changes are written in their order");
    change_ = change.number;
    if (change.entry == nullptr) {
      CORACLE_CHECK(change.position.index <= places_.size(), "only what is there can stay");
      places_.resize(change.position.index);
      offset += record_bytes(0);
      continue;
    }
    CORACLE_CHECK(change.position.index == places_.size() + 1, "entries follow each other");
    places_.push_back({.segment = static_cast<std::uint32_t>(current_),
                       .offset = static_cast<std::uint32_t>(offset)});
    offset += record_bytes(change.entry->data.size());
  }
}

Task<std::vector<Entry>> DiskLog::read(LogIndex first, LogIndex last, std::size_t bytes_max) const {
  CORACLE_CHECK(first >= 1 && first <= last && last <= places_.size(), "these entries are there");
  const EntryPlace begin = places_[first - 1];
  // As far as they stand in one piece of one file; truncated ones may stand between.
  LogIndex end = first + 1;
  while (end <= last && places_[end - 1].segment == begin.segment &&
         places_[end - 1].offset - begin.offset < bytes_max) {
    ++end;
  }
  const std::string path = path_of(begin.segment);
  const SegmentHeader& header = headers_[begin.segment];
  const std::vector<EntryPlace> wanted(places_.begin() + static_cast<std::ptrdiff_t>(first - 1),
                                       places_.begin() + static_cast<std::ptrdiff_t>(end - 1));
  const std::uint64_t seed = header.seed();
  File file = co_await File::open(path, OpenMode::read);
  std::vector<std::byte> bytes(std::min<std::uint64_t>(
      std::max<std::uint64_t>(bytes_max, wanted.back().offset - begin.offset + kRecordHeaderBytes),
      header.size - begin.offset));
  bytes.resize(co_await file.read_at(bytes, begin.offset));
  std::vector<Entry> entries;
  entries.reserve(wanted.size());
  for (const EntryPlace& place : wanted) {
    const LogIndex index = first + entries.size();
    std::span<const std::byte> rest = std::span(bytes).subspan(place.offset - begin.offset);
    std::optional<LogRecord> record = read_record(rest, seed);
    if (!record && !entries.empty()) break;  // it may be cut off: the next read begins with it
    if (!record) {
      // The first one may be longer than was asked for.
      bytes.resize(header.size - begin.offset);
      bytes.resize(co_await file.read_at(bytes, begin.offset));
      record = read_record(bytes, seed);
    }
    if (!record || record->kind != RecordKind::entry || record->position.index != index) {
      throw Error(EIO, "read",
                  path + " (byte " + std::to_string(place.offset) + " is no record of entry " +
                      std::to_string(index) + ")");
    }
    entries.push_back(entry_of(*record));
  }
  co_return entries;
}

}  // namespace coracle::raft
