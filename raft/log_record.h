// The records of a log segment, byte for byte. Pure functions over bytes; log_segment.h says how
// they stand in a file.
//
// Record (little endian; begins at a multiple of 8 in its file):
//    0  u64  XXH3 of all that follows, seeded with the segment's own seed
//    8  u32  bytes of data
//   12  u8   kind: 1 entry, 2 truncation (0: no record, as in space that was never written)
//   13  u8   kind of the entry (messages.h)
//   14  u16  0
//   16  u32  where its batch begins in the file
//   20  u32  0
//   24  u64  change number
//   32  u64  term   of the entry; of a truncation: of the last entry that stays
//   40  u64  index  likewise
//   48  i64  log time of the entry
//   56  u64  number of the last change of term or vote before it, 0 for none
//   64  data, and zeros up to a multiple of 8
//
// A batch is what was written at once, and synced before anything else was written. So one whole
// record proves that everything before its batch had been durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "raft/messages.h"
#include "raft/types.h"

namespace coracle::raft {

enum class RecordKind : std::uint8_t { entry = 1, truncation = 2 };

inline constexpr std::size_t kRecordHeaderBytes = 64;
inline constexpr std::size_t kRecordAlignment = 8;

// A record in the bytes that it stands in.
struct LogRecord {
  RecordKind kind = RecordKind::entry;
  ChangeNumber change = 0;
  std::uint32_t batch_offset = 0;
  LogPosition position{};
  EntryKind entry_kind = EntryKind::no_op;
  std::int64_t log_time = 0;
  ChangeNumber hard_state = 0;  // the last change of term or vote before it
  std::span<const std::byte> data{};
};

// Returns    how many bytes a record with so much data takes up.
[[nodiscard]] constexpr std::size_t record_bytes(std::size_t data_bytes) {
  const std::size_t bytes = kRecordHeaderBytes + data_bytes;
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// Appends the record.
//   Requires   data of less than 4 GiB; out.size() a multiple of 8.
void append_record(std::vector<std::byte>& out, const LogRecord& record, std::uint64_t seed);

// Returns    how long the record that begins here says that it is: record_bytes() of its data.
//   Requires   kRecordHeaderBytes of it.
[[nodiscard]] std::size_t claimed_bytes(std::span<const std::byte> header);

// Looks at what begins here.
//   Returns    the record, whose data is a view of `bytes`; nothing if there is no whole one.
[[nodiscard]] std::optional<LogRecord> read_record(std::span<const std::byte> bytes,
                                                   std::uint64_t seed);

}  // namespace coracle::raft
