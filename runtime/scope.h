// Scopes of cancellation. Mechanism behind task_group.h, timeout.h and shielded.h, where its use
// is documented; the rules are in runtime/cancellation.md.
#pragma once

#include <cstdint>

#include "runtime/canceled.h"
#include "runtime/time.h"
#include "runtime/timer_heap.h"

namespace coracle {

class Fiber;

// A stretch of a fiber's execution that can be asked to stop. Scopes nest: within a fiber one
// below the other, and the scopes of a child fiber below the scope of its group.
class Scope {
 public:
  // What a scope is decides what happens to a Canceled that arrives at its end.
  enum class Kind : std::uint8_t { fiber, group, deadline, shield };

  // What the end of a scope does with a Canceled that arrived there.
  enum class Verdict : std::uint8_t {
    pass_on,    // rule 1: an enclosing scope is canceled
    timed_out,  // rule 2: this scope's own deadline fired
    quiet,      // rule 3: cancel() was called on this group
  };

  // Opens a scope below the innermost one of `fiber`, and makes it the innermost.
  Scope(Fiber& fiber, Kind kind);
  // The outermost scope of a new fiber, below the scope of its group (nullptr for the main fiber).
  Scope(Fiber& fiber, Scope* parent);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  // Closes it. Scopes of one fiber are closed innermost first.
  ~Scope();

  // Asks everything in this scope to stop: waiting leaf operations in it throw Canceled, and so
  // does every later one that would suspend. Doing so twice is the same as once.
  void cancel();

  // True once this scope, or an enclosing one up to the next shield, was asked to stop.
  [[nodiscard]] bool canceled() const { return canceled_; }

  // True once this very scope was asked to stop.
  [[nodiscard]] bool requested() const { return requested_; }

  // Applies the one rule for a Canceled that arrives at the end of this scope.
  // `deadline_fired` tells whether this scope's own deadline has passed; fails a check when nobody
  // asked (rule 4).
  [[nodiscard]] Verdict settle(bool deadline_fired) const;

  // Throws Canceled into the running fiber. Fails a check if one fiber gets 1,000 of them without
  // leaving the canceled scope: it swallows cancellation.
  [[noreturn]] static void throw_canceled(Fiber& fiber);

  // Throws on a Canceled that arrived at the end of a scope.
  [[noreturn]] static void pass_on();

 private:
  void enter();
  void mark();
  [[nodiscard]] Scope* next_after(const Scope* root, bool skip_children) const;

  Fiber& fiber_;
  Scope* parent_;
  Scope* outer_;  // of the same fiber, to be the innermost again when this one closes
  Scope* first_child_ = nullptr;
  Scope* last_child_ = nullptr;
  Scope* previous_sibling_ = nullptr;
  Scope* next_sibling_ = nullptr;
  Kind kind_;
  bool requested_ = false;
  bool canceled_ = false;
  std::uint16_t thrown_ = 0;  // how often Canceled, if this is the outermost canceled of its fiber
};

// A scope that asks itself to stop at a deadline.
class DeadlineScope final : private TimerNode {
 public:
  DeadlineScope(TimePoint deadline, Scope::Kind kind);
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;
  ~DeadlineScope();

  // The verdict on a Canceled that arrived at this scope's end.
  [[nodiscard]] Scope::Verdict settle() const { return scope_.settle(fired_); }

 private:
  void expired() override;

  Scope scope_;
  bool fired_ = false;
};

}  // namespace coracle
