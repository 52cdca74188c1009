// The record of term and vote, byte for byte. Pure functions over the bytes of one file, which
// hard_state_file.h reads and writes.
//
// The file has four slots of one 4096-byte block each, in two pairs. A save writes the same record
// into both slots of the pair that does not hold the newest one, and syncs once. So:
//   - whatever a crash does to the pair that is being written, the other pair still holds the
//     record before, in two copies;
//   - once synced, the newest record stands in two blocks, so damage to one of them is seen by the
//     checksum and cured by the other: a promised vote is never rolled back by it. (D4)
// A pair with no intact slot is taken for a write that a crash had cut off.
//
// Record (little endian, 8 bytes each; zeros up to the checksum):
//    0  magic "CORACLEV"        32  directory   (incarnation)     64  term
//    8  format, 2               40  start       (incarnation)     72  vote
//   16  cluster                 48  change      (its number)      80  1 if a log was made, else 0
//   24  server                  56  saved       (saves before)    88  change of the log
//                                                               4088  XXH3 of all bytes before
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "raft/types.h"

namespace coracle::raft {

// What is known of the log that stands beside it, so that a log which is gone or cut is missed.
struct LogMark {
  bool made = false;        // there is one, since before the first entry
  ChangeNumber change = 0;  // the last that was durable in it when this was saved

  friend bool operator==(const LogMark&, const LogMark&) = default;
};

struct HardStateRecord {
  Identity identity{};
  HardState hard_state{};
  ChangeNumber change = 0;  // the last durable change that the record includes
  std::uint64_t saved = 0;  // one more with each save: the highest is the newest
  LogMark log{};

  friend bool operator==(const HardStateRecord&, const HardStateRecord&) = default;
};

inline constexpr std::size_t kSlotBytes = 4096;
inline constexpr std::size_t kSlots = 4;
inline constexpr std::size_t kPairBytes = 2 * kSlotBytes;
inline constexpr std::size_t kHardStateFileBytes = kSlots * kSlotBytes;

// One write; it is synced before anything else is written.
struct SlotWrite {
  std::size_t offset = 0;
  std::vector<std::byte> bytes;
};

// Returns the whole file of a new directory: `record` in all four slots.
[[nodiscard]] SlotWrite first_write(const HardStateRecord& record);

// Returns what saves `record`: both slots of the pair that its number `saved` falls to.
//   Requires   a record with `saved` one higher than that of the newest.
[[nodiscard]] SlotWrite save_write(const HardStateRecord& record);

// What a file says.
struct ReadHardState {
  HardStateRecord record;            // the newest intact one; meaningless where refused
  std::size_t slot = 0;              // where it stands
  std::string refusal;               // why a server must not start on it; empty if it may
  std::vector<std::string> damages;  // slots that are not as they were written, where and how
};

// Reads a whole file. It is refused when its length is wrong, no slot is intact, a slot is of an
// unknown format, or it belongs to another cluster or server (D7).
[[nodiscard]] ReadHardState read_hard_state(std::span<const std::byte> file, ClusterId cluster,
                                            ServerId self);

// What was found may be in the page cache only, or in one slot only. Returns the two writes that
// make it durable in both slots of its pair; the slot it was found in comes last, so that at no
// moment is the only intact copy at risk. They come before the first save. (D10)
[[nodiscard]] std::array<SlotWrite, 2> rewrites(const ReadHardState& found);

}  // namespace coracle::raft
