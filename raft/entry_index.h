// Where on the disk the entries of a log are found, in little memory. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "raft/types.h"

namespace coracle::raft {

// Where a record begins.
struct EntryPlace {
  std::uint32_t segment = 0;  // how many segments come before its own
  std::uint32_t offset = 0;   // in the file

  friend bool operator==(const EntryPlace&, const EntryPlace&) = default;
};

// From the place of one entry on, records of entries stand one behind the other.
struct EntryRow {
  LogIndex first = 0;
  EntryPlace place{};

  friend bool operator==(const EntryRow&, const EntryRow&) = default;
};

// Notes the place of one entry in about every 4 KiB of records; the others are found by walking on
// from there. Entries that were truncated may stand between two rows, never within one.
class EntryIndex {
 public:
  // Of a row that has begun so far before it an entry begins none of its own.
  static constexpr std::size_t kRowBytes = 4096;

  [[nodiscard]] LogIndex last_index() const { return last_index_; }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

  // Notes entry last_index() + 1.
  void append(EntryPlace place, std::size_t bytes);
  // Forgets the entries behind `last`.
  //   Requires   last <= last_index().
  void truncate_behind(LogIndex last);

  // How to find entries from `first` on.
  struct Way {
    std::vector<EntryRow> rows;  // all in one segment; the first of them has `first`
    LogIndex last = 0;           // the last entry that is in one of them, or `last`
  };
  // Returns    the rows that begin within `bytes_max` bytes, and up to `last`: at least one.
  //   Requires   1 <= first <= last <= last_index().
  [[nodiscard]] Way way(LogIndex first, LogIndex last, std::size_t bytes_max) const;

 private:
  std::vector<EntryRow> rows_;
  LogIndex last_index_ = 0;
  EntryPlace next_{};  // right behind the last entry that was noted
};

}  // namespace coracle::raft
