// Storages for measurements: one that counts and may be slowed down, and one that forgets.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "raft/storage.h"
#include "runtime/sleep.h"

namespace coracle::bench::commit {

// What was stored since the start.
struct Stored {
  std::uint64_t writes = 0;  // each ends with one datasync, rarely more
  std::uint64_t entries = 0;
};

// Another storage, each write of which takes `delay` longer.
class CountingStorage final : public raft::Storage {
 public:
  // Borrows `inner` for its own life.
  CountingStorage(raft::Storage& inner, Duration delay) : inner_(inner), delay_(delay) {}

  [[nodiscard]] raft::Identity identity() const override { return inner_.identity(); }
  [[nodiscard]] const raft::Recovered& recovered() const override { return inner_.recovered(); }
  [[nodiscard]] const std::vector<std::string>& damages() const override {
    return inner_.damages();
  }
  [[nodiscard]] Task<> write(std::span<const raft::Change> changes) override {
    if (delay_ > Duration::zero()) co_await sleep_for(delay_);
    co_await inner_.write(changes);
    ++stored_.writes;
    for (const raft::Change& change : changes) {
      if (std::holds_alternative<raft::AppendedEntry>(change.what)) ++stored_.entries;
    }
  }
  [[nodiscard]] Task<std::vector<raft::Entry>> read(raft::LogIndex first, raft::LogIndex last,
                                                    std::size_t bytes_max) override {
    return inner_.read(first, last, bytes_max);
  }

  [[nodiscard]] const Stored& stored() const { return stored_; }

 private:
  raft::Storage& inner_;
  const Duration delay_;
  Stored stored_;
};

// Keeps all in memory: what a cluster could do if disks took no time, and nothing were kept.
class MemoryStorage final : public raft::Storage {
 public:
  explicit MemoryStorage(const raft::Identity& identity) : identity_(identity) {}

  [[nodiscard]] raft::Identity identity() const override { return identity_; }
  [[nodiscard]] const raft::Recovered& recovered() const override { return recovered_; }
  [[nodiscard]] const std::vector<std::string>& damages() const override { return damages_; }
  [[nodiscard]] Task<> write(std::span<const raft::Change> changes) override {
    for (const raft::Change& change : changes) {
      if (const auto* appended = std::get_if<raft::AppendedEntry>(&change.what)) {
        entries_.push_back(appended->entry);
      } else if (const auto* truncated = std::get_if<raft::Truncation>(&change.what)) {
        entries_.resize(truncated->last.index);
      }
    }
    co_return;
  }
  [[nodiscard]] Task<std::vector<raft::Entry>> read(raft::LogIndex first, raft::LogIndex last,
                                                    std::size_t /*bytes_max*/) override {
    co_return std::vector<raft::Entry>(entries_.begin() + static_cast<std::ptrdiff_t>(first - 1),
                                       entries_.begin() + static_cast<std::ptrdiff_t>(last));
  }

 private:
  const raft::Identity identity_;
  const raft::Recovered recovered_;
  const std::vector<std::string> damages_;
  std::vector<raft::Entry> entries_;
};

}  // namespace coracle::bench::commit
