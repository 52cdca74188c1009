#include "raft/sim/durable_record.h"

#include <optional>
#include <span>

#include "raft/hard_state.h"

namespace coracle::raft::sim {
namespace {

std::string file_in(const std::string& directory) { return directory + "/hard_state"; }

}  // namespace

DurableRecord::DurableRecord(const coracle::sim::Disk& disk, const std::string& directory,
                             ClusterId cluster, ServerId self)
    : disk_(disk), path_(file_in(directory)), cluster_(cluster), self_(self) {}

HardState DurableRecord::read() const {
  const std::optional<std::string> file = disk_.read_file(path_, coracle::sim::DiskView::durable);
  if (!file) return {};
  const ReadHardState found =
      read_hard_state(std::as_bytes(std::span(file->data(), file->size())), cluster_, self_);
  return found.refusal.empty() ? found.record.hard_state : HardState{};
}

void write_record(coracle::sim::Disk& disk, const std::string& directory, const Identity& identity,
                  const HardState& hard_state) {
  const SlotWrite file = first_write({.identity = identity, .hard_state = hard_state});
  const std::string_view content(reinterpret_cast<const char*>(file.bytes.data()),
                                 file.bytes.size());
  disk.write_file(file_in(directory), content);
}

}  // namespace coracle::raft::sim
