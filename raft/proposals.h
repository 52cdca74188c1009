// Commands that were appended by this server as leader, and who waits for their results.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>

#include "raft/shared_bytes.h"
#include "raft/types.h"
#include "runtime/completion.h"

namespace coracle::raft {

// Waits for one command, in the frame of whoever proposed it; may leave at any time.
class Proposal {
 public:
  Proposal() = default;
  Proposal(const Proposal&) = delete;
  Proposal& operator=(const Proposal&) = delete;
  ~Proposal() {
    if (forget_ != nullptr) *forget_ = nullptr;
  }

  Completion<SharedBytes> result;

 private:
  friend class Proposals;
  Proposal** forget_ = nullptr;  // where it is known; none before and after
};

// Each proposal ends once: with its result, with what its state machine refused, or when the
// leadership ends that it was made in.
class Proposals {
 public:
  Proposals() = default;
  Proposals(const Proposals&) = delete;
  Proposals& operator=(const Proposals&) = delete;
  ~Proposals();

  // Returns    how many bytes of commands have no result yet.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // A command was appended at `index`.
  //   Requires   an index higher than all before.
  void add(LogIndex index, std::size_t bytes, Proposal& proposal);
  // The entry at `index` was applied; nothing happens if nobody proposed it here.
  //   Requires   calls in the order of the indices.
  void complete(LogIndex index, const SharedBytes& result);
  void fail(LogIndex index, const std::exception_ptr& why);
  // Fails all that are left.
  void fail_all(const std::exception_ptr& why);

 private:
  struct Slot {
    LogIndex index;
    std::size_t bytes;
    Proposal* proposal;  // none when nobody waits any more
  };

  [[nodiscard]] Proposal* take(LogIndex index);

  std::deque<Slot> slots_;  // stays where it is while slots come and go at its ends
  std::size_t bytes_ = 0;
};

}  // namespace coracle::raft
