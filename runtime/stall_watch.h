// Who ran too long without suspending: nobody else ran meanwhile, and no input was seen. Mechanism
// behind RunOptions::log_stalls_over.
//
// Each resumption is measured, because only that tells who it was: a pass that took long may hold
// one culprit among hundreds of fibers, or none. So the clock must be cheap. The exact one costs
// 41 ns, more than many a resumption; this one (CLOCK_MONOTONIC_COARSE) a sixth of that, because it
// only reads what the kernel wrote at its last tick. It is read once for each resumption and once
// more for each batch of them; awaits that do not suspend cost nothing. A watching thread would
// cost a resumption still less, but wakes an idle process, and misses what it has no time to see.
#pragma once

#include <source_location>

#include "runtime/time.h"

namespace coracle {

class BackEnd;
class Fiber;

class StallWatch {
 public:
  explicit StallWatch(BackEnd& back_end) : back_end_(back_end) {}

  // What is longer is a stall; with 0 nothing is measured.
  void set_limit(Duration limit) { limit_ = limit; }
  [[nodiscard]] bool on() const { return limit_ > Duration::zero(); }

  // Fibers are going to be resumed, one after the other.
  void batch_begins();
  // This one is going to be resumed, and has suspended or ended.
  void goes_on(const Fiber& fiber);
  void has_suspended(const Fiber& fiber);

 private:
  void report(const Fiber& fiber, Duration ran) const;

  BackEnd& back_end_;
  Duration limit_{};
  Duration began_{};
  std::source_location since_;  // the await from which the fiber went on
};

}  // namespace coracle
