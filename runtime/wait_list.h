// Fibers in line: the one intrusive list behind every primitive. The links live in the operations
// that wait, so waiting allocates nothing and leaving takes constant time. Mechanism.
#pragma once

#include <type_traits>

#include "runtime/leaf.h"

namespace coracle {

// The place of an operation in a line. Knows its neighbors only: leaving needs no list.
class WaitLink {
 public:
  WaitLink() = default;
  WaitLink(const WaitLink& /*other*/) noexcept {}  // an operation is moved before it stands in line
  WaitLink& operator=(const WaitLink&) = delete;

  // True while it stands in a line; then the primitive whose line it is lives.
  [[nodiscard]] bool linked() const { return next_ != nullptr; }
  // Leaves the line; nothing happens outside one.
  void unlink() {
    if (!linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 protected:
  ~WaitLink() = default;

 private:
  friend class WaitListBase;

  WaitLink* previous_ = nullptr;
  WaitLink* next_ = nullptr;
};

// A leaf operation that waits in a line until the primitive completes it. One that is canceled or
// torn down just leaves; derived classes say so if there is more to it.
class Waiter : public Leaf, public WaitLink {
 public:
  void on_cancel() override {
    unlink();
    finish_canceled();
  }
  void on_tear_down() override { unlink(); }

 protected:
  Waiter() = default;
  Waiter(const Waiter&) = default;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() = default;

 private:
  friend class WaitListBase;
};

class WaitListBase {
 public:
  WaitListBase() { head_.next_ = head_.previous_ = &head_; }
  WaitListBase(const WaitListBase&) = delete;
  WaitListBase& operator=(const WaitListBase&) = delete;

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }

 protected:
  [[nodiscard]] WaitLink* first() const { return head_.next_; }
  void append(WaitLink& link) {
    link.next_ = &head_;
    link.previous_ = head_.previous_;
    head_.previous_->next_ = &link;
    head_.previous_ = &link;
  }
  // Fails a check, which tells of `waiting`; while a loop is torn down it takes everybody out
  // instead.
  void abandon(const Fiber* waiting);

  [[nodiscard]] static const Fiber* fiber_of(const Waiter& waiter) { return waiter.fiber(); }

  ~WaitListBase() = default;

 private:
  struct Head final : WaitLink {};

  Head head_;
};

// A line of operations of one kind, first come, first served.
template <class Op>
class WaitList : public WaitListBase {
 public:
  // Fails a check if somebody waits; see abandon().
  ~WaitList() {
    if (!empty()) [[unlikely]]
      abandon(first_fiber());
  }

  void push_back(Op& op) { append(op); }

  // Takes the first one out.
  //   Returns    nullptr if nobody waits.
  Op* pop_front() {
    if (empty()) return nullptr;
    WaitLink* link = first();
    link->unlink();
    return static_cast<Op*>(link);
  }

 private:
  // Whose operation is the first one; nullptr for what is no operation.
  [[nodiscard]] const Fiber* first_fiber() const {
    if constexpr (std::is_base_of_v<Waiter, Op>) return fiber_of(*static_cast<const Op*>(first()));
    return nullptr;
  }
};

}  // namespace coracle
