#include "raft/disk_storage.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::raft {
namespace {

bool is_hard_state(const Change& change) { return std::holds_alternative<HardState>(change.what); }

// The first few changes that are of one kind.
std::span<const Change> first_run(std::span<const Change> changes) {
  const bool kind = is_hard_state(changes.front());
  const auto end = std::ranges::find_if(
      changes, [kind](const Change& change) { return is_hard_state(change) != kind; });
  return changes.first(static_cast<std::size_t>(end - changes.begin()));
}

}  // namespace

DiskStorage::DiskStorage(HardStateFile hard_state, DiskLog log)
    : hard_state_(std::move(hard_state)),
      log_(std::move(log)),
      recovered_{.hard_state = hard_state_.hard_state(),
                 .change = std::max(hard_state_.change(), log_.change()),
                 .log = Log(log_.terms(), log_.found_log_time())},
      damages_(hard_state_.damages()) {
  damages_.insert(damages_.end(), log_.damages().begin(), log_.damages().end());
}

DiskStorage::DiskStorage(DiskStorage&& other) noexcept
    : hard_state_(std::move(other.hard_state_)),
      log_(std::move(other.log_)),
      recovered_(std::move(other.recovered_)),
      damages_(std::move(other.damages_)),
      failure_(std::move(other.failure_)) {}

Task<DiskStorage> DiskStorage::open(std::string_view directory, ClusterId cluster, ServerId self,
                                    DiskLogOptions options) {
  return open_path(std::string(directory), cluster, self, options);
}

// At each moment of it a crash leaves what the next start takes up:
//   1. the directory, whose name is durable;
//   2. hard_state, durable with its name before there is a log;
//   3. the folder and its first segment, durable with their names before hard_state knows of them;
//   4. hard_state, which knows that there is a log, before the first entry is written.
// So where a log is missing that hard_state knows of, or a log stands there without hard_state,
// it was no crash.
Task<DiskStorage> DiskStorage::open_path(std::string directory, ClusterId cluster, ServerId self,
                                         DiskLogOptions options) {
  HardStateFile hard_state = co_await HardStateFile::open(directory, cluster, self);
  DiskLog log = co_await DiskLog::open(directory, hard_state.record(), options);
  co_await hard_state.start({.made = true, .change = log.change()});
  co_return DiskStorage(std::move(hard_state), std::move(log));
}

// Logic does not catch; this only notes what went wrong first, for those who come later.
Task<> DiskStorage::write(std::span<const Change> changes) {
  CORACLE_CHECK(!changes.empty(), "a write has a change");
  if (!failure_.empty()) throw Error(EIO, "write", hard_state_.directory() + failure_);
  failure_ = " (an earlier write was canceled, so nothing is known of what is on the disk)";
  try {
    co_await write_runs(changes);
  } catch (const Error& error) {
    failure_ = " (an earlier write failed, so nothing is known of what is on the disk: " +
               std::string(error.what()) + ")";
    throw;
  }
  failure_.clear();
}

Task<> DiskStorage::write_runs(std::span<const Change> changes) {
  while (!changes.empty()) {
    const std::span<const Change> run = first_run(changes);
    if (is_hard_state(run.front())) {
      const Change& last = run.back();
      co_await hard_state_.save(std::get<HardState>(last.what), last.number, log_.change());
    } else {
      co_await log_.append(run, hard_state_.record());
    }
    changes = changes.subspan(run.size());
  }
}

Task<std::vector<Entry>> DiskStorage::read(LogIndex first, LogIndex last, std::size_t bytes_max) {
  return log_.read(first, last, bytes_max);
}

}  // namespace coracle::raft
