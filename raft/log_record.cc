#include "raft/log_record.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "raft/little_endian.h"
#include "runtime/check.h"

namespace coracle::raft {
namespace {

constexpr std::size_t kChecksum = 0;
constexpr std::size_t kDataBytes = 8;
constexpr std::size_t kKind = 12;
constexpr std::size_t kEntryKind = 13;
constexpr std::size_t kZero16 = 14;
constexpr std::size_t kBatchOffset = 16;
constexpr std::size_t kZero32 = 20;
constexpr std::size_t kChange = 24;
constexpr std::size_t kTerm = 32;
constexpr std::size_t kIndex = 40;
constexpr std::size_t kLogTime = 48;
constexpr std::size_t kHardState = 56;

std::uint64_t checksum_of(std::span<const std::byte> record, std::uint64_t seed) {
  const auto checked = record.subspan(kDataBytes);
  return XXH3_64bits_withSeed(checked.data(), checked.size(), seed);
}

bool is_kind(std::uint8_t kind, std::uint8_t entry_kind) {
  if (kind == static_cast<std::uint8_t>(RecordKind::truncation)) return entry_kind == 0;
  return kind == static_cast<std::uint8_t>(RecordKind::entry) &&
         entry_kind <= static_cast<std::uint8_t>(kLastEntryKind);
}

}  // namespace

void append_record(std::vector<std::byte>& out, const LogRecord& record, std::uint64_t seed) {
  CORACLE_CHECK(out.size() % kRecordAlignment == 0, "records are aligned");
  CORACLE_CHECK(record.data.size() <= std::numeric_limits<std::uint32_t>::max(),
                "an entry has less than 4 GiB");
  const std::size_t begin = out.size();
  out.resize(begin + record_bytes(record.data.size()));
  const std::span<std::byte> bytes = std::span(out).subspan(begin);
  put_little_endian(bytes, kDataBytes, static_cast<std::uint32_t>(record.data.size()));
  put_little_endian(bytes, kKind, static_cast<std::uint8_t>(record.kind));
  put_little_endian(bytes, kEntryKind, static_cast<std::uint8_t>(record.entry_kind));
  put_little_endian(bytes, kBatchOffset, record.batch_offset);
  put_little_endian(bytes, kChange, record.change);
  put_little_endian(bytes, kTerm, record.position.term);
  put_little_endian(bytes, kIndex, record.position.index);
  put_little_endian(bytes, kLogTime, static_cast<std::uint64_t>(record.log_time));
  put_little_endian(bytes, kHardState, record.hard_state);
  std::ranges::copy(record.data, bytes.begin() + kRecordHeaderBytes);
  put_little_endian(bytes, kChecksum, checksum_of(bytes, seed));
}

std::size_t claimed_bytes(std::span<const std::byte> header) {
  return record_bytes(get_little_endian<std::uint32_t>(header, kDataBytes));
}

// What is cheap to see comes first: a search for records asks at each multiple of 8.
std::optional<LogRecord> read_record(std::span<const std::byte> bytes, std::uint64_t seed) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const auto kind = get_little_endian<std::uint8_t>(bytes, kKind);
  const auto entry_kind = get_little_endian<std::uint8_t>(bytes, kEntryKind);
  if (!is_kind(kind, entry_kind)) return std::nullopt;
  if (get_little_endian<std::uint16_t>(bytes, kZero16) != 0) return std::nullopt;
  if (get_little_endian<std::uint32_t>(bytes, kZero32) != 0) return std::nullopt;
  const std::size_t data_bytes = get_little_endian<std::uint32_t>(bytes, kDataBytes);
  if (claimed_bytes(bytes) > bytes.size()) return std::nullopt;
  const auto whole = bytes.first(claimed_bytes(bytes));
  if (get_little_endian<std::uint64_t>(whole, kChecksum) != checksum_of(whole, seed)) {
    return std::nullopt;
  }
  return LogRecord{
      .kind = static_cast<RecordKind>(kind),
      .change = get_little_endian<std::uint64_t>(whole, kChange),
      .batch_offset = get_little_endian<std::uint32_t>(whole, kBatchOffset),
      .position = {.term = get_little_endian<std::uint64_t>(whole, kTerm),
                   .index = get_little_endian<std::uint64_t>(whole, kIndex)},
      .entry_kind = static_cast<EntryKind>(entry_kind),
      .log_time = static_cast<std::int64_t>(get_little_endian<std::uint64_t>(whole, kLogTime)),
      .hard_state = get_little_endian<std::uint64_t>(whole, kHardState),
      .data = whole.subspan(kRecordHeaderBytes, data_bytes)};
}

}  // namespace coracle::raft
