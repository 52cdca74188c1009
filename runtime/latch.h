// Latch: waits until so many have arrived.
//
//   Latch ready(3);                                  // before the group
//   for (int i = 0; i < 3; ++i) group.spawn("worker", work, std::ref(ready));
//   co_await ready.wait();                           // each has called ready.count_down()
#pragma once

#include <cstddef>

#include "runtime/check.h"
#include "runtime/event.h"

namespace coracle {

// Counts down to zero, once; then it is open for good, and waiting takes no time. Belongs to one
// loop; all waiters have left before it is destroyed.
class Latch {
 public:
  class Wait;

  // One of 0 is open from the beginning.
  explicit Latch(std::size_t count) : left_(count) {
    if (left_ == 0) open_.set();
  }

  // How many are still to arrive.
  [[nodiscard]] std::size_t left() const { return left_; }
  [[nodiscard]] bool is_open() const { return left_ == 0; }

  // Some have arrived. The last one wakes all that wait, in the order in which they came; they run
  // later, not inside this call.
  //   Requires   that no more arrive than were left.
  void count_down(std::size_t arrived = 1) {
    CORACLE_CHECK(arrived <= left_, "no more arrive at a latch than it was made for");
    if (arrived == 0) return;
    left_ -= arrived;
    if (left_ == 0) open_.set();
  }

  // Waits until it is open.
  //   Canceled   throws; returns normally if it was open first.
  //   Borrows    this latch.
  [[nodiscard]] Wait wait();

  // Arrives in this very call, as count_down() does, and waits for the others once awaited.
  //   Canceled   as wait(). The arrival stands: a canceled waiter does not keep the others waiting.
  //   Borrows    this latch.
  //   Requires   that one at least was left.
  [[nodiscard]] Wait arrive_and_wait();

 private:
  std::size_t left_;
  Event open_;
};

class [[nodiscard]] Latch::Wait final : public Event::Wait {
 public:
  explicit Wait(Latch& latch) : Event::Wait(latch.open_) {}
  [[nodiscard]] const char* waits_for() const override { return "a latch"; }
};

inline Latch::Wait Latch::wait() { return Wait(*this); }

inline Latch::Wait Latch::arrive_and_wait() {
  count_down();
  return wait();
}

}  // namespace coracle
