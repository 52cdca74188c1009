// What a server has asked its storage to keep, in all its lives, as its peers know it; for tests of
// what is found again.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "raft/disk_storage.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace coracle::raft {

class StorageHistory {
 public:
  static constexpr ClusterId kCluster = 7;
  static constexpr ServerId kSelf = 3;
  static constexpr DiskLogOptions kSmallSegments{.segment_bytes = 4096 + 2500};

  // Everything there is after one change.
  struct Facts {
    HardState hard_state{};
    std::vector<Entry> entries{};
    std::int64_t log_time = 0;  // the latest that was ever stamped
  };

  StorageHistory(std::uint64_t seed, int batches) : random_(seed), batches_left_(batches) {
    after_[0] = {};
  }

  // One life: checks what is found, and goes on from there with batches of all kinds of changes,
  // which are numbered from the last one that was found on, as a node does.
  [[nodiscard]] Task<> live(std::string directory);

  // Expects what was told to be durable, or what came of a change after it.
  [[nodiscard]] Task<> expect_found(DiskStorage& storage);

  [[nodiscard]] bool over() const { return batches_left_ == 0; }
  [[nodiscard]] ChangeNumber durable() const { return durable_; }
  // Returns    what was there after a change that is not forgotten.
  [[nodiscard]] const Facts& after(ChangeNumber change) const { return after_.at(change); }
  // Lets the last few changes be lost without complaint: those behind this one.
  void allow_loss_behind(ChangeNumber change) { durable_ = change; }

 private:
  std::vector<Change> next_batch();
  HardState next_hard_state();
  Entry next_entry();

  Random random_;
  int batches_left_;
  std::map<ChangeNumber, Facts> after_;
  ChangeNumber durable_ = 0;
  ChangeNumber attempted_ = 0;
  Facts now_;
};

}  // namespace coracle::raft
