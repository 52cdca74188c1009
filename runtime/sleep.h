// Waiting for time to pass, and letting others run.
#pragma once

#include "runtime/leaf.h"
#include "runtime/time.h"
#include "runtime/timer_heap.h"

namespace coracle {

// What sleep_for() and sleep_until() return; await it.
class [[nodiscard]] SleepOperation final : public Leaf, private TimerNode {
 public:
  explicit SleepOperation(TimePoint deadline) : deadline_(deadline) {}
  SleepOperation(SleepOperation&& other) noexcept : SleepOperation(other.deadline_) {}
  SleepOperation& operator=(SleepOperation&&) = delete;

  static bool try_complete() { return false; }
  void start();
  void take() const {}
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a time to come"; }

 private:
  void expired() override { complete(); }

  TimePoint deadline_;
};

// Suspends until the deadline: never early, on an idle Linux machine less than a millisecond late.
// A deadline that has passed lets the other ready fibers run first, like yield().
//   Canceled   throws; the time that had passed is lost.
[[nodiscard]] inline SleepOperation sleep_until(TimePoint deadline) {
  return SleepOperation(deadline);
}

// The same, `span` after this call.
//   Requires   a current loop.
[[nodiscard]] inline SleepOperation sleep_for(Duration span) {
  return SleepOperation(deadline_after(now(), span));
}

// What yield() returns; await it.
class [[nodiscard]] YieldOperation final : public Leaf {
 public:
  static bool try_complete() { return false; }
  void start() { complete(); }
  void take() const {}
  void on_cancel() override {}
  void on_tear_down() override {}
  [[nodiscard]] const char* waits_for() const override { return "its next turn"; }
};

// Goes to the end of the ready queue: the fibers that are ready run first.
//   Canceled   throws, if the scope was canceled before the call.
[[nodiscard]] inline YieldOperation yield() { return {}; }

}  // namespace coracle
