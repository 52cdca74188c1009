// Reads entries back for tasks that may not wait for a disk themselves: those of a role, which must
// end at once when their epoch does.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "raft/storage.h"
#include "runtime/completion.h"
#include "runtime/condition.h"
#include "runtime/task.h"

namespace coracle::raft {

class EntryReader {
 public:
  // Borrows the storage for its own life.
  explicit EntryReader(Storage& storage) : storage_(storage) {}

  // Serves what is asked for, one after the other.
  //   Returns    never.
  //   Throws     Error when the storage fails.
  [[nodiscard]] Task<> run();

  // As Storage::read(), while run() runs.
  //   Canceled   throws at once; what was being read is dropped.
  [[nodiscard]] Task<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max);

 private:
  struct Wanted {
    LogIndex first = 0;
    LogIndex last = 0;
    std::size_t bytes_max = 0;
    Completion<std::vector<Entry>> entries{};
  };

  Storage& storage_;
  std::deque<std::shared_ptr<Wanted>> wanted_;
  Condition asked_;
};

}  // namespace coracle::raft
