#include "raft/log_piece.h"

#include <algorithm>
#include <span>
#include <utility>

#include "raft/log_record.h"

namespace coracle::raft {
namespace {

std::optional<LogRecord> record_of(const LogPiece& piece, std::size_t offset, LogIndex index) {
  const std::span<const std::byte> bytes(piece.bytes);
  auto record =
      read_record(bytes.subspan(std::min(offset - piece.offset, bytes.size())), piece.seed);
  if (record && (record->kind != RecordKind::entry || record->position.index != index)) {
    record.reset();
  }
  return record;
}

Entry entry_of(const LogRecord& record) {
  return {.term = record.position.term,
          .kind = record.entry_kind,
          .log_time = record.log_time,
          .data = SharedBytes(record.data)};
}

}  // namespace

FoundEntries find_entries(const LogPiece& piece, const EntryIndex::Way& way, LogIndex first,
                          std::size_t bytes_max) {
  FoundEntries found{.next = way.rows.front().first};
  std::size_t bytes = 0;
  auto row = way.rows.begin();
  for (; found.next <= way.last; ++found.next) {
    if (row != way.rows.end() && row->first == found.next) found.offset = (row++)->place.offset;
    const auto record = record_of(piece, found.offset, found.next);
    if (!record) break;
    const std::size_t size = record_bytes(record->data.size());
    if (found.next >= first) {
      bytes += size;
      if (!found.entries.empty() && bytes > bytes_max) break;
      found.entries.push_back(entry_of(*record));
    }
    found.offset += size;
  }
  return found;
}

std::optional<Entry> entry_in(const LogPiece& piece, LogIndex index) {
  const auto record = record_of(piece, piece.offset, index);
  if (!record) return std::nullopt;
  return entry_of(*record);
}

}  // namespace coracle::raft
