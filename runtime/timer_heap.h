// The deadlines of a loop: a 4-ary heap of nodes that live where they are waited for.
// Arming allocates nothing per timer (the array of pointers grows by doubling) and makes no
// system call. Mechanism; users sleep (sleep.h) and set timeouts (timeout.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/time.h"

namespace coracle {

// One deadline. Lives in the frame or object that waits for it.
class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

  [[nodiscard]] bool armed() const { return index_ != kUnarmed; }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

 protected:
  ~TimerNode() = default;

 private:
  friend class TimerHeap;
  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);

  // Called once, after the node has left the heap.
  virtual void expired() = 0;

  TimePoint deadline_{};
  std::uint64_t sequence_ = 0;
  std::size_t index_ = kUnarmed;
};

class TimerHeap {
 public:
  // Adds a node. Equal deadlines expire in the order in which they were armed.
  //   Requires   a node that is not armed; it stays where it is until it expired or was removed.
  void arm(TimerNode& node, TimePoint deadline);
  // The same, but of equal deadlines that with the lower `order` expires first.
  void arm(TimerNode& node, TimePoint deadline, std::uint64_t order);

  // Takes a node out; nothing happens if it is not armed.
  void disarm(TimerNode& node);

  // The earliest deadline, kNever if there is none.
  [[nodiscard]] TimePoint earliest() const {
    return entries_.empty() ? kNever : entries_.front().deadline;
  }

  // Takes out each node whose deadline is not after `now`, earliest first, and calls expired().
  // What expired() arms is left for the next call.
  //   Returns    how many expired.
  std::size_t expire(TimePoint now);

  // Takes out the first node, whatever the time, and calls expired().
  //   Requires   one.
  void expire_first();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  // Forgets all nodes without calling them: the loop's fibers are being torn down.
  void clear();

 private:
  struct Entry {
    TimePoint deadline;
    TimerNode* node;
  };

  [[nodiscard]] static bool before(const Entry& left, const Entry& right);
  void place(std::size_t index, Entry entry);
  void sift_up(std::size_t index, Entry entry);
  void sift_down(std::size_t index, Entry entry);

  std::vector<Entry> entries_;
  std::uint64_t sequence_ = 0;
};

}  // namespace coracle
