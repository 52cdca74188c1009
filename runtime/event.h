// Event: a fact that fibers wait for, and that stays.
#pragma once

#include "runtime/condition.h"

namespace coracle {

// Set or not; waiting for a set event takes no time. Belongs to one loop; all waiters have left
// before it is destroyed.
class Event {
 public:
  class Wait;
  class WaitUntil;

  [[nodiscard]] bool is_set() const { return set_; }

  // Sets it and wakes all that wait, in the order in which they came; they run later, not inside
  // this call. Twice is the same as once.
  void set() {
    set_ = true;
    became_set_.notify_all();
  }

  // Later waiters wait again. Those that a set() has woken return, although they have not run yet.
  void reset() { set_ = false; }

  // Waits until it is set.
  //   Canceled   throws; returns normally if it was set first.
  //   Borrows    this event.
  [[nodiscard]] Wait wait();

  // The same until a deadline at the latest, without an exception or a scope.
  //   Returns    true when it is or was set, false when the deadline came first.
  //   Canceled   as wait().
  //   Borrows    this event.
  [[nodiscard]] WaitUntil wait_until(TimePoint deadline);

 private:
  bool set_ = false;
  Condition became_set_;
};

class [[nodiscard]] Event::Wait : public Condition::Wait {
 public:
  explicit Wait(Event& event) : Condition::Wait(event.became_set_), event_(&event) {}
  [[nodiscard]] bool try_complete() const { return event_->set_; }
  [[nodiscard]] const char* waits_for() const override { return "an event"; }

 private:
  Event* event_;
};

class [[nodiscard]] Event::WaitUntil final : public Condition::WaitUntil {
 public:
  WaitUntil(Event& event, TimePoint deadline)
      : Condition::WaitUntil(event.became_set_, deadline), event_(&event) {}
  [[nodiscard]] bool try_complete() const { return event_->set_; }
  [[nodiscard]] const char* waits_for() const override { return "an event"; }

 private:
  Event* event_;
};

inline Event::Wait Event::wait() { return Wait(*this); }

inline Event::WaitUntil Event::wait_until(TimePoint deadline) { return {*this, deadline}; }

}  // namespace coracle
