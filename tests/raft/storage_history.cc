#include "tests/raft/storage_history.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace coracle::raft {

Task<> StorageHistory::live(std::string directory) {
  DiskStorage storage = co_await DiskStorage::open(directory, kCluster, kSelf, kSmallSegments);
  co_await expect_found(storage);
  const ChangeNumber found = storage.recovered().change;
  now_ = after_[found];
  after_.erase(after_.upper_bound(found), after_.end());
  durable_ = found;
  attempted_ = found;
  while (batches_left_ > 0) {
    const std::vector<Change> batch = next_batch();
    co_await storage.write(batch);
    durable_ = attempted_;
    --batches_left_;
  }
}

Task<> StorageHistory::expect_found(DiskStorage& storage) {
  const Recovered& recovered = storage.recovered();
  EXPECT_GE(recovered.change, durable_) << "what was durable is lost";
  EXPECT_LE(recovered.change, attempted_) << "nobody has written this";
  const Facts& expected = after_[recovered.change];
  EXPECT_EQ(recovered.hard_state, expected.hard_state) << "after change " << recovered.change;
  EXPECT_EQ(recovered.log.last_log_time(), expected.log_time);
  EXPECT_EQ(recovered.log.last().index, expected.entries.size());
  EXPECT_EQ(recovered.log.durable(), recovered.log.last());
  std::vector<Entry> found;
  while (found.size() < recovered.log.last().index) {
    EXPECT_EQ(recovered.log.at(found.size() + 1).term, expected.entries.at(found.size()).term);
    const std::size_t bytes_max = 1 + random_.below(1000);
    const std::vector<Entry> some =
        co_await storage.read(found.size() + 1, recovered.log.last().index, bytes_max);
    EXPECT_FALSE(some.empty());
    found.insert(found.end(), some.begin(), some.end());
  }
  EXPECT_TRUE(found == expected.entries) << "after change " << recovered.change;
}

std::vector<Change> StorageHistory::next_batch() {
  std::vector<Change> batch;
  const std::uint64_t changes = 1 + random_.below(6);
  for (std::uint64_t i = 0; i < changes; ++i) {
    Change change{.number = ++attempted_};
    std::vector<Entry>& entries = now_.entries;
    const std::uint64_t kind = now_.hard_state.term == 0 ? 0 : random_.below(10);
    if (kind < 3) {
      now_.hard_state = next_hard_state();
      change.what = now_.hard_state;
    } else if (kind < 5 && !entries.empty()) {
      entries.resize(random_.below(entries.size() + 1));
      const Term last = entries.empty() ? 0 : entries.back().term;
      change.what = Truncation{.last = {.term = last, .index = entries.size()}};
    } else {
      entries.push_back(next_entry());
      now_.log_time = std::max(now_.log_time, entries.back().log_time);
      change.what = AppendedEntry{.index = entries.size(), .entry = entries.back()};
    }
    batch.push_back(change);
    after_[attempted_] = now_;
  }
  return batch;
}

HardState StorageHistory::next_hard_state() {
  HardState next = now_.hard_state;
  if (next.term == 0 || next.vote != kNobody || random_.chance(0.5)) {
    ++next.term;
    next.vote = kNobody;
  }
  if (random_.chance(0.7)) next.vote = 1 + random_.below(5);
  return next;
}

Entry StorageHistory::next_entry() {
  const bool is_long = random_.chance(0.05);  // longer than a segment
  std::vector<std::byte> data(is_long ? 3000 : random_.below(300));
  for (std::byte& byte : data) byte = static_cast<std::byte>(random_.next());
  return {.term = now_.hard_state.term,
          .kind = EntryKind::command,
          .log_time = static_cast<std::int64_t>(random_.below(1'000'000)),
          .data = data};
}

}  // namespace coracle::raft
