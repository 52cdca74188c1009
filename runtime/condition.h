// Condition: tells waiting fibers that something may have changed.
#pragma once

#include "runtime/time.h"
#include "runtime/timer_heap.h"
#include "runtime/wait_list.h"

namespace coracle {

class ConditionWaiter;

// It remembers nothing: who waits when it is notified is woken, later waiters are not. Between the
// notification and the waiter's turn others may run, so the waiter looks again:
//
//   while (queue.empty()) co_await changed.wait();
//
// Belongs to one loop; all waiters have left before it is destroyed.
class Condition {
 public:
  class Wait;
  class WaitUntil;

  // Waits for the next notification.
  //   Canceled   throws; one that had been notified first returns normally, so that the
  //              notification is not lost.
  //   Borrows    this condition.
  [[nodiscard]] Wait wait();

  // The same until a deadline at the latest, without an exception or a scope: for hot paths.
  //   Returns    true when notified, false when the deadline came first. Input that has arrived is
  //              handled first, also when the deadline has already passed.
  //   Canceled   as wait().
  //   Borrows    this condition.
  [[nodiscard]] WaitUntil wait_until(TimePoint deadline);

  // Wakes the one that has waited longest; nothing happens if nobody waits. The woken fiber is made
  // ready and runs later, not inside this call.
  void notify_one();
  // Wakes all that wait, in the order in which they came.
  void notify_all();

 private:
  friend class ConditionWaiter;

  WaitList<ConditionWaiter> waiters_;
};

// What waits in a condition, with or without a deadline. Mechanism.
class ConditionWaiter : public Waiter {
 public:
  static bool try_complete() { return false; }
  void start() { condition_->waiters_.push_back(*this); }
  [[nodiscard]] const char* waits_for() const override { return "a condition"; }

  // After it has left the line.
  void notify() {
    if (timer_ != nullptr) fiber()->loop().timers().disarm(*timer_);
    complete();
  }

 protected:
  explicit ConditionWaiter(Condition& condition) : condition_(&condition) {}
  ConditionWaiter(const ConditionWaiter&) = default;
  ConditionWaiter& operator=(const ConditionWaiter&) = delete;
  ~ConditionWaiter() = default;

  void start_until(TimerNode& timer, TimePoint deadline) {
    start();
    if (deadline == kNever) return;
    timer_ = &timer;
    fiber()->loop().timers().arm(timer, deadline);
  }
  [[nodiscard]] Condition& condition() const { return *condition_; }

 private:
  Condition* condition_;
  TimerNode* timer_ = nullptr;
};

class [[nodiscard]] Condition::Wait : public ConditionWaiter {
 public:
  explicit Wait(Condition& condition) : ConditionWaiter(condition) {}
  void take() const {}
};

class [[nodiscard]] Condition::WaitUntil : public ConditionWaiter, private TimerNode {
 public:
  WaitUntil(Condition& condition, TimePoint deadline)
      : ConditionWaiter(condition), deadline_(deadline) {}
  WaitUntil(WaitUntil&& other) noexcept : WaitUntil(other.condition(), other.deadline_) {}
  WaitUntil& operator=(WaitUntil&&) = delete;

  void start() { start_until(*this, deadline_); }
  [[nodiscard]] bool take() const { return !expired_; }
  void on_cancel() override {
    on_tear_down();
    finish_canceled();
  }
  void on_tear_down() override {
    unlink();
    fiber()->loop().timers().disarm(*this);
  }

 private:
  void expired() override {
    unlink();
    expired_ = true;
    complete();
  }

  TimePoint deadline_;
  bool expired_ = false;
};

inline Condition::Wait Condition::wait() { return Wait(*this); }

inline Condition::WaitUntil Condition::wait_until(TimePoint deadline) { return {*this, deadline}; }

inline void Condition::notify_one() {
  if (ConditionWaiter* waiter = waiters_.pop_front()) waiter->notify();
}

inline void Condition::notify_all() {
  while (ConditionWaiter* waiter = waiters_.pop_front()) waiter->notify();
}

}  // namespace coracle
