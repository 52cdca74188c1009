// Where a server keeps its term, its vote and its log: one directory, held by one process.
//
//   raft::DiskStorage storage = co_await raft::DiskStorage::open("data", cluster, /*self=*/1);
//
// README.md, "On disk", has the format of its files byte for byte.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raft/disk_log.h"
#include "raft/hard_state_file.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "runtime/task.h"

namespace coracle::raft {

// The lock of the directory, its file `hard_state` (hard_state.h) and its folder `log`
// (disk_log.h).
class DiskStorage final : public Storage {
 public:
  // Takes the directory into use, and makes it if there is none. What it held has been written
  // again and synced when this returns, and so has the count of this start: from then on messages
  // may tell of it (D10). What a crash had cut off is gone then; damages() tells of it.
  //   Throws     Error when the disk fails, another process holds the directory (D6), or the server
  //              must not start on what it holds: it belongs to another cluster or server (D7), is
  //              damaged beyond its copies, or a part of it is gone (D8): `start on data/log (byte
  //              4711 of 000000000000002.log is damaged: ...)`.
  //   Canceled   throws once what had begun has ended. The directory may be opened again.
  //   Requires   a current loop; self != kNobody.
  [[nodiscard]] static Task<DiskStorage> open(std::string_view directory, ClusterId cluster,
                                              ServerId self, DiskLogOptions options = {});

  //   Requires   that nothing is in progress on `other`, which may only be destroyed then.
  DiskStorage(DiskStorage&& other) noexcept;
  DiskStorage& operator=(DiskStorage&& other) = delete;
  ~DiskStorage() override = default;

  [[nodiscard]] Identity identity() const override { return hard_state_.identity(); }
  [[nodiscard]] const Recovered& recovered() const override { return recovered_; }
  [[nodiscard]] const std::vector<std::string>& damages() const override { return damages_; }

  // Changes of one kind that follow each other are one write and one datasync: of the log all of
  // them, of the hard state the last one. So those of one kind are best given next to each other.
  //   Requires   also that the log grows by the rules: indexes without a gap, terms that do not
  //              fall, none above the term of the hard state before it, truncations to what is
  //              there.
  [[nodiscard]] Task<> write(std::span<const Change> changes) override;

  [[nodiscard]] Task<std::vector<Entry>> read(LogIndex first, LogIndex last,
                                              std::size_t bytes_max) override;

 private:
  DiskStorage(HardStateFile hard_state, DiskLog log);

  static Task<DiskStorage> open_path(std::string directory, ClusterId cluster, ServerId self,
                                     DiskLogOptions options);
  [[nodiscard]] Task<> write_runs(std::span<const Change> changes);

  HardStateFile hard_state_;
  DiskLog log_;
  Recovered recovered_;
  std::vector<std::string> damages_;
  std::string failure_;  // of a write; empty as long as all were completed
};

}  // namespace coracle::raft
