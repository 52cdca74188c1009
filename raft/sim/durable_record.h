// What the disk of a server would surely still hold of its promises and its log if the power went
// now.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "raft/term_runs.h"
#include "raft/types.h"
#include "runtime/sim/disk.h"

namespace coracle::raft::sim {

// Small segments, so that short runs go through many of them.
inline constexpr std::size_t kSegmentBytes = std::size_t{16} << 10;

class DurableRecord {
 public:
  // Of the server `self` that keeps its data in `directory`. Borrows the disk.
  DurableRecord(const coracle::sim::Disk& disk, const std::string& directory, ClusterId cluster,
                ServerId self);

  // Returns    term and vote; none of both where there is no record that a start would accept.
  [[nodiscard]] HardState read() const;

  // Returns    the terms of the entries of its log. Only what was added since the last call is
  // read.
  [[nodiscard]] const TermRuns& log() const;
  // Returns    the same as the last call of log() did.
  [[nodiscard]] const TermRuns& log_as_read() const { return terms_; }
  // Returns    whether its log holds this entry, or has held it in this life, or before, as far as
  //            that can still be read: entries that others replaced since.
  [[nodiscard]] bool has_held(LogPosition position) const;
  // The server starts: what it finds may be less than what was written, and be written again.
  void read_again() const;

 private:
  // Entries of one term that were deleted.
  struct Deleted {
    LogIndex first = 0;
    LogIndex last = 0;
    Term term = 0;
  };

  [[nodiscard]] std::optional<std::uint64_t> read_segment() const;
  void delete_behind(LogIndex last) const;

  const coracle::sim::Disk& disk_;
  const std::string directory_;
  const ClusterId cluster_;
  const ServerId self_;

  // How far the log has been read.
  mutable TermRuns terms_;
  mutable std::vector<Deleted> deleted_;
  mutable std::uint64_t segment_ = 1;
  mutable std::size_t offset_ = 0;
};

// Returns    whether there is this very entry.
[[nodiscard]] bool holds(const TermRuns& log, LogPosition position);

// Puts a directory on the disk as an earlier life would have left it, durable: with a log of
// entries without commands, of the given terms.
//   Requires   that no process runs there; a term that is not below those of the log.
void write_directory(coracle::sim::Disk& disk, const std::string& directory,
                     const Identity& identity, const HardState& hard_state,
                     const std::vector<Term>& log);

}  // namespace coracle::raft::sim
