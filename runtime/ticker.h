// Ticker: something to do at regular times.
//
//   Ticker ticker(100ms);
//   for (;;) {
//     co_await ticker.tick();
//     report();
//   }
#pragma once

#include <cstdint>

#include "runtime/time.h"
#include "runtime/timer_heap.h"
#include "runtime/wait_list.h"

namespace coracle {

// Ticks at start + 1, 2, 3, ... intervals. These points are absolute: however late a tick is
// taken, and however long its work takes, the next ones do not move.
//
// A tick that nobody waited for is not lost, and not made up for in a burst either: the next call
// returns at once, tells how many intervals have passed, and then the ticker waits for a point that
// is still to come. So after 3.5 intervals of work, or of a stopped process, tick() returns 3 at
// once, and then 1 half an interval later.
//
// Belongs to one loop; who waits has left before it is destroyed.
class Ticker {
 public:
  class Tick;

  // Starts now.
  //   Requires   a current loop; an interval above 0.
  explicit Ticker(Duration interval) : Ticker(interval, now()) {}
  // Starts at a point that may be past or still to come: several that share it tick together.
  //   Requires   an interval above 0.
  Ticker(Duration interval, TimePoint start);

  // Waits for the first point that no call has returned for; if that has passed, it lets input that
  // has arrived, and whoever is ready, go first.
  //   Returns    how many points have passed since the last tick, this one included: 1, unless the
  //              caller was late. All of them count as returned.
  //   Canceled   throws, and loses nothing: the next call returns at the same point. A tick that
  //              came first is returned.
  //   Borrows    this ticker.
  //   Requires   that nobody else waits for it.
  [[nodiscard]] Tick tick();

  [[nodiscard]] Duration interval() const { return interval_; }
  // The point that the next tick() waits for.
  [[nodiscard]] TimePoint next() const { return next_; }

 private:
  std::int64_t pass();

  Duration interval_;
  TimePoint next_;
  WaitList<Tick> waiting_;  // at most one, until its fiber has run
};

// What Ticker::tick() returns; await it.
class [[nodiscard]] Ticker::Tick final : public Waiter, private TimerNode {
 public:
  explicit Tick(Ticker& ticker) : ticker_(&ticker) {}
  Tick(Tick&& other) noexcept : Tick(*other.ticker_) {}
  Tick& operator=(Tick&&) = delete;

  static bool try_complete() { return false; }
  void start();
  std::int64_t take();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a tick"; }

 private:
  void expired() override { complete(); }

  Ticker* ticker_;
};

inline Ticker::Tick Ticker::tick() { return Tick(*this); }

}  // namespace coracle
