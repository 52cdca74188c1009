// What is going to happen in a simulated world, and when. Mechanism.
#pragma once

#include "runtime/random.h"
#include "runtime/time.h"
#include "runtime/timer_heap.h"

namespace coracle::sim {

// One thing that happens at a certain time. Lives where it is waited for; a derived class says in
// expired() what happens.
using Happening = TimerNode;

// World time and all that is going to happen. Of things that happen at one instant, the seed
// decides the order, as no order is defined for them in reality: what must stay in order (the bytes
// of a stream) waits in a queue of its own.
class Agenda {
 public:
  explicit Agenda(Random& random) : random_(random) {}

  // World time: 0 when the world begins.
  [[nodiscard]] TimePoint now() const { return now_; }

  // Has `happening.expired()` called at `when`; now, if that has passed. An armed one is moved.
  //   Requires   that it stays where it is until then, or until cancel().
  void plan(Happening& happening, TimePoint when);
  void cancel(Happening& happening) { heap_.disarm(happening); }

  // Returns    when the next thing happens; kNever if nothing will.
  [[nodiscard]] TimePoint next() const { return heap_.earliest(); }

  // Lets the next thing happen, and time with it.
  //   Requires   next() != kNever.
  void step();

  // Lets time pass in which nothing happens.
  //   Requires   now() <= when <= next().
  void pass_until(TimePoint when);

 private:
  Random& random_;
  TimerHeap heap_;
  TimePoint now_{};
};

}  // namespace coracle::sim
