// What a server keeps: the interface that a node sees. DiskStorage (disk_storage.h) is the one that
// comes with Coracle.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "raft/log.h"
#include "raft/messages.h"
#include "raft/types.h"
#include "runtime/task.h"

namespace coracle::raft {

// An entry was appended right behind the last one.
struct AppendedEntry {
  LogIndex index = 0;
  Entry entry{};

  friend bool operator==(const AppendedEntry&, const AppendedEntry&) = default;
};

// All entries behind `last` were removed.
struct Truncation {
  LogPosition last{};

  friend bool operator==(const Truncation&, const Truncation&) = default;
};

// One durable change of a server. All of them, of whatever kind, are numbered in one sequence, and
// none is durable before an earlier one. A number is never used twice, over all lives.
struct Change {
  ChangeNumber number = 0;
  std::variant<HardState, AppendedEntry, Truncation> what{};

  friend bool operator==(const Change&, const Change&) = default;
};

// What a server finds of its lives before, already rewritten and synced (D10).
struct Recovered {
  HardState hard_state{};
  ChangeNumber change = 0;  // the last one that is in it
  Log log{};                // without its entries: they are read when they are needed
};

// Belongs to one loop, and to one node: what was recovered is true until that begins to write.
class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  // Returns    who this server is in this life.
  [[nodiscard]] virtual Identity identity() const = 0;
  // Returns    what it had promised and kept when this life began.
  [[nodiscard]] virtual const Recovered& recovered() const = 0;
  // Returns    what was damaged and could be cured, one sentence each.
  [[nodiscard]] virtual const std::vector<std::string>& damages() const = 0;

  // Stores changes, in their order.
  //   Returns    when all would be found again after any crash.
  //   Throws     Error when it fails. Nothing is known of what is kept then, and a second try might
  //              report success for what is lost: every later call fails, too. (D3, B56)
  //   Canceled   throws, and leaves it open which of them would be found, the first few or all;
  //              every later call fails: like after a failure.
  //   Borrows    `changes` until it returns.
  //   Requires   no other write in progress; at least one; numbers that rise, from that of
  //              recovered() or the last write on.
  [[nodiscard]] virtual Task<> write(std::span<const Change> changes) = 0;

  // Reads entries back, also while a write is in progress.
  //   Returns    those from `first` to `last`, or the first few of them: at least one, and as many
  //              as fit into about `bytes_max` bytes.
  //   Throws     Error when it fails, or has lost what was there. Never less than was asked for
  //              instead. (B33)
  //   Canceled   throws.
  //   Requires   1 <= first <= last; that all of them have been written.
  [[nodiscard]] virtual Task<std::vector<Entry>> read(LogIndex first, LogIndex last,
                                                      std::size_t bytes_max) = 0;
};

}  // namespace coracle::raft
