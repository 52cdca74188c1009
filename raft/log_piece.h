// Entries in a piece of a segment that was read back. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "raft/entry_index.h"
#include "raft/messages.h"
#include "raft/types.h"

namespace coracle::raft {

struct LogPiece {
  std::size_t offset = 0;  // in the file
  std::vector<std::byte> bytes{};
  std::uint64_t seed = 0;  // of the segment's records
};

struct FoundEntries {
  std::vector<Entry> entries{};
  LogIndex next = 0;       // the entry at which it ended
  std::size_t offset = 0;  // where that stands in the file
};

// Walks along `way`, over entries before `first`.
//   Returns    from `first` on, those whose records are whole; the first of them, and as many more
//              as fit into `bytes_max` bytes.
//   Requires   a piece that begins with the first row of `way`.
[[nodiscard]] FoundEntries find_entries(const LogPiece& piece, const EntryIndex::Way& way,
                                        LogIndex first, std::size_t bytes_max);

// Returns    the entry whose record begins the piece; nothing if that is not a whole record of it.
[[nodiscard]] std::optional<Entry> entry_in(const LogPiece& piece, LogIndex index);

}  // namespace coracle::raft
