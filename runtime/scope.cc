#include "runtime/scope.h"

#include "runtime/check.h"
#include "runtime/loop.h"

namespace coracle {

Scope::Scope(Fiber& fiber, Kind kind)
    : fiber_(fiber), parent_(fiber.scope_), outer_(fiber.scope_), kind_(kind) {
  enter();
}

Scope::Scope(Fiber& fiber, Scope* parent)
    : fiber_(fiber), parent_(parent), outer_(nullptr), kind_(Kind::fiber) {
  enter();
}

void Scope::enter() {
  fiber_.scope_ = this;
  if (parent_ == nullptr) return;
  canceled_ = parent_->canceled_ && kind_ != Kind::shield;
  previous_sibling_ = parent_->last_child_;  // in order: a cancellation wakes the eldest first
  (previous_sibling_ == nullptr ? parent_->first_child_ : previous_sibling_->next_sibling_) = this;
  parent_->last_child_ = this;
}

Scope::~Scope() {
  fiber_.scope_ = outer_;
  if (parent_ == nullptr) return;
  (previous_sibling_ == nullptr ? parent_->first_child_ : previous_sibling_->next_sibling_) =
      next_sibling_;
  (next_sibling_ == nullptr ? parent_->last_child_ : next_sibling_->previous_sibling_) =
      previous_sibling_;
}

void Scope::cancel() {
  requested_ = true;
  if (canceled_) return;
  for (Scope* scope = this; scope != nullptr;) {
    const bool asked = scope == this || (scope->kind_ != Kind::shield && !scope->canceled_);
    if (asked) scope->mark();
    scope = scope->next_after(this, /*skip_children=*/!asked);
  }
}

void Scope::mark() {
  canceled_ = true;
  const bool leaf_is_mine = fiber_.scope_ == this;
  if (leaf_is_mine && fiber_.pending_ != nullptr && fiber_.pending_->waiting()) {
    fiber_.pending_->on_cancel();
  }
}

// The next scope below `root`, parents before children, without recursion.
Scope* Scope::next_after(const Scope* root, bool skip_children) const {
  if (!skip_children && first_child_ != nullptr) return first_child_;
  const Scope* scope = this;
  while (scope != root && scope->next_sibling_ == nullptr) scope = scope->parent_;
  return scope == root ? nullptr : scope->next_sibling_;
}

Scope::Verdict Scope::settle(bool deadline_fired) const {
  const bool enclosing_asked = kind_ != Kind::shield && parent_ != nullptr && parent_->canceled_;
  if (enclosing_asked) return Verdict::pass_on;
  if (deadline_fired) return Verdict::timed_out;
  const bool stopped = requested_ && (kind_ == Kind::group || parent_ == nullptr);
  CORACLE_CHECK(stopped, "Canceled arrived where nobody had asked for it");
  return Verdict::quiet;
}

void Scope::throw_canceled(Fiber& fiber) {
  constexpr std::uint16_t kSwallowed = 1000;
  Scope* scope = fiber.scope_;
  while (scope->outer_ != nullptr && scope->outer_->canceled_) scope = scope->outer_;
  CORACLE_CHECK(++scope->thrown_ < kSwallowed,
                "this fiber swallows cancellation: it caught Canceled 1,000 times and went on");
  throw Canceled();
}

void Scope::pass_on() { throw Canceled(); }

DeadlineScope::DeadlineScope(TimePoint deadline, Scope::Kind kind)
    : scope_(Fiber::running(), kind) {
  TimerHeap& timers = Loop::current().timers();
  if (deadline != kNever) timers.arm(*this, deadline);
}

DeadlineScope::~DeadlineScope() { Loop::current().timers().disarm(*this); }

void DeadlineScope::expired() {
  fired_ = true;
  scope_.cancel();
}

}  // namespace coracle
