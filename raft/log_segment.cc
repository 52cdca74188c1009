#include "raft/log_segment.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "raft/little_endian.h"

namespace coracle::raft {
namespace {

constexpr std::uint64_t kMagic = 0x4C454C4341524F43U;  // "CORACLEL"
constexpr std::size_t kChecked = kSegmentHeaderBytes - 8;
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kDigits = 15;

std::uint64_t word(std::span<const std::byte> block, std::size_t number) {
  return get_little_endian<std::uint64_t>(block, 8 * number);
}

// By words: most of a segment was never written to.
std::size_t end_of_use(std::span<const std::byte> file, std::size_t from) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::size_t end = file.size();
  for (; end >= from + kWord; end -= kWord) {
    std::uint64_t last = 0;
    std::memcpy(&last, file.data() + end - kWord, kWord);
    if (last != 0) break;
  }
  while (end > from && file[end - 1] == std::byte{0}) --end;
  return end;
}

// The first whole record from here on whose batch began behind `end`.
std::optional<std::size_t> find_survivor(std::span<const std::byte> file, std::size_t end,
                                         std::size_t used_end, std::uint64_t seed) {
  for (std::size_t offset = end + kRecordAlignment; offset < used_end;) {
    const auto record = read_record(file.subspan(offset), seed);
    if (record && record->batch_offset > end && record->batch_offset <= offset) return offset;
    offset += record ? record_bytes(record->data.size()) : kRecordAlignment;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t SegmentHeader::seed() const {
  return word(segment_header_block(*this), kChecked / 8);
}

std::vector<std::byte> segment_header_block(const SegmentHeader& header) {
  std::vector<std::byte> block(kSegmentHeaderBytes);
  const std::array<std::uint64_t, 7> words{kMagic,        kLogFormat,       header.cluster,
                                           header.server, header.directory, header.number,
                                           header.size};
  for (std::size_t i = 0; i < words.size(); ++i) put_little_endian(block, 8 * i, words[i]);
  put_little_endian(block, kChecked, std::uint64_t{XXH3_64bits(block.data(), kChecked)});
  return block;
}

std::optional<SegmentHeader> read_segment_header(std::span<const std::byte> file,
                                                 std::string& why) {
  if (file.size() < kSegmentHeaderBytes) {
    why = "the file has " + std::to_string(file.size()) + " bytes, which is less than a header";
    return std::nullopt;
  }
  const auto block = file.first(kSegmentHeaderBytes);
  if (word(block, 0) != kMagic ||
      word(block, kChecked / 8) != XXH3_64bits(block.data(), kChecked)) {
    why = "the header (byte 0 to 4095) is damaged";
    return std::nullopt;
  }
  if (word(block, 1) != kLogFormat) {
    why = "is of format " + std::to_string(word(block, 1)) + ", this program knows format " +
          std::to_string(kLogFormat);
    return std::nullopt;
  }
  const SegmentHeader header{.cluster = word(block, 2),
                             .server = word(block, 3),
                             .directory = word(block, 4),
                             .number = word(block, 5),
                             .size = word(block, 6)};
  if (header.size != file.size()) {
    why = "the file has " + std::to_string(file.size()) + " bytes instead of " +
          std::to_string(header.size);
    return std::nullopt;
  }
  return header;
}

SegmentTail scan_segment(std::span<const std::byte> file, const SegmentHeader& header,
                         const std::function<void(const LogRecord&, std::size_t)>& visit) {
  const std::uint64_t seed = header.seed();
  SegmentTail tail;
  while (const auto record = read_record(file.subspan(tail.end), seed)) {
    if (visit) visit(*record, tail.end);
    tail.end += record_bytes(record->data.size());
  }
  tail.used_end = end_of_use(file, tail.end);
  tail.survivor = find_survivor(file, tail.end, tail.used_end, seed);
  return tail;
}

std::string segment_name(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return digits.append(kSuffix);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (name.size() < kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (segment_name(number) != std::string(name).append(kSuffix)) return std::nullopt;
  return number;
}

}  // namespace coracle::raft
