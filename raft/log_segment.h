// One file of the log: its header, and what of its records a crash or damage has left. Pure
// functions over the bytes of the file.
//
// A segment is a header block of 4,096 bytes, then records (log_record.h) one behind the other,
// then zeros up to its size, which is reserved when it is made.
//
// Header (little endian, 8 bytes each; zeros up to the checksum):
//    0  magic "CORACLEL"        32  directory (of the incarnation, see Identity)
//    8  format                  40  number    (1, 2, 3, ... without gaps)
//   16  cluster                 48  size      (bytes of the file)
//   24  server                4088  XXH3 of all bytes before
//
// What a tear is, and what is damage (D4). Records end where none is whole. If what follows is
// zeros, that is the end. If not, a write was cut off there, or its bytes reached the disk in
// another order and some did not; or the disk has lost what it had. They are told apart by what
// comes behind: a whole record whose batch began behind the place proves that the place had been
// synced, and is lost now. That is damage, and refused. Anything else was never promised to anyone,
// and is cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "raft/log_record.h"
#include "raft/types.h"

namespace coracle::raft {

inline constexpr std::size_t kSegmentHeaderBytes = 4096;
inline constexpr std::uint64_t kLogFormat = 1;

struct SegmentHeader {
  ClusterId cluster = 0;
  ServerId server = kNobody;
  std::uint64_t directory = 0;
  std::uint64_t number = 0;
  std::uint64_t size = 0;  // bytes

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;

  // Returns    what its records' checksums are seeded with: a record of another segment is none.
  [[nodiscard]] std::uint64_t seed() const;
};

// Returns    the block that begins the file.
[[nodiscard]] std::vector<std::byte> segment_header_block(const SegmentHeader& header);

// Reads a file's header.
//   Returns    the header; or nothing, and `why` says "the header is damaged", "is of format 2,
//              this program knows format 1", "the file has 100 bytes instead of 16777216".
[[nodiscard]] std::optional<SegmentHeader> read_segment_header(std::span<const std::byte> file,
                                                               std::string& why);

// What stands behind the last whole record.
struct SegmentTail {
  std::size_t end = kSegmentHeaderBytes;  // where the records end
  std::size_t used_end = 0;  // behind the last byte that is not 0: `end`, or more where it is torn
  // A whole record whose batch began behind `end`: what had been at `end` is lost.
  std::optional<std::size_t> survivor;

  [[nodiscard]] bool torn() const { return used_end > end; }
};

// Walks over the whole records of a segment in their order.
//   Returns    what stands behind the last of them.
//   Requires   a file that `header` was read from; a `visit` that is given each record and the
//              offset at which it begins, or an empty one.
SegmentTail scan_segment(std::span<const std::byte> file, const SegmentHeader& header,
                         const std::function<void(const LogRecord&, std::size_t)>& visit);

// Returns    the name of a segment's file: `000000000000001.log`.
[[nodiscard]] std::string segment_name(std::uint64_t number);
// Returns    the number, or nothing for a name of another form.
[[nodiscard]] std::optional<std::uint64_t> segment_number(std::string_view name);

}  // namespace coracle::raft
