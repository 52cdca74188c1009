// What the disk of a server would surely still hold of its promises if the power went now.
#pragma once

#include <string>

#include "raft/types.h"
#include "runtime/sim/disk.h"

namespace coracle::raft::sim {

class DurableRecord {
 public:
  // Of the server `self` that keeps its data in `directory`. Borrows the disk.
  DurableRecord(const coracle::sim::Disk& disk, const std::string& directory, ClusterId cluster,
                ServerId self);

  // Returns    term and vote; none of both where there is no record that a start would accept.
  [[nodiscard]] HardState read() const;

 private:
  const coracle::sim::Disk& disk_;
  const std::string path_;
  const ClusterId cluster_;
  const ServerId self_;
};

// Puts a directory on the disk as an earlier life would have left it, durable.
//   Requires   that no process runs there.
void write_record(coracle::sim::Disk& disk, const std::string& directory, const Identity& identity,
                  const HardState& hard_state);

}  // namespace coracle::raft::sim
