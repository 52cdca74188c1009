// Leaf operations: the places where a fiber really waits. Everything else that is awaited is a
// task, and waits in its own leaf in the end. This is how a back end or a primitive makes an
// awaitable; users of the framework need it only to add one of their own.
#pragma once

#include <coroutine>
#include <cstdint>

#include "runtime/fiber.h"

namespace coracle {

// One leaf operation. A derived class `Op` gives:
//   bool try_complete()        does it at once if that needs no waiting. Called at most once.
//   void start()               begins to wait: links its node, arms its timer, asks the back end.
//                              What fails there is kept for take(): start() must not throw.
//   T take()                   the result, or a throw; called once, after completion.
//   void on_cancel()           the scope asks it to stop while it waits: unlinks, then calls
//                              finish_canceled(); or hands the request down and goes on waiting.
//   void on_tear_down()        the fiber is being torn down (a simulated crash): unlinks if it is
//                              linked, and gives back what it was granted. Runs no fiber. Called
//                              after on_cancel() too, if the fiber has not run since.
//   void canceled_at_once()    optional: what on_cancel() owes, where the scope was canceled before
//                              the await. try_complete() may have been called, start() never.
//   const char* waits_for()    a few words for dump_tasks, such as "sleep".
// and lets the runtime do the rest: cancellation, budget, the ready queue. It may be moved until
// it is awaited. The waker calls complete() once it has left its result in the operation.
// A join is an operation that never throws Canceled: `static constexpr bool kJoin = true`.
class Leaf {
 public:
  virtual void on_cancel() = 0;
  virtual void on_tear_down() = 0;
  [[nodiscard]] virtual const char* waits_for() const = 0;

  // True from the suspension until complete() or finish_canceled().
  [[nodiscard]] bool waiting() const { return phase_ == Phase::waiting; }
  // True once complete() was called: a granted result that the fiber has not taken yet.
  [[nodiscard]] bool completed() const { return phase_ == Phase::completed; }

 protected:
  Leaf() = default;
  Leaf(const Leaf&) = default;
  Leaf& operator=(const Leaf&) = default;
  ~Leaf() = default;

  // Makes the waiting fiber ready; its await returns take(). Wins over a later cancellation.
  void complete();
  // Makes the waiting fiber ready; its await throws Canceled.
  void finish_canceled();
  // The fiber that waits here. Null before the suspension.
  [[nodiscard]] Fiber* fiber() const { return fiber_; }

 private:
  template <class Op>
  friend struct LeafAwaiter;

  enum class Phase : std::uint8_t { idle, waiting, completed, canceled };

  Fiber* fiber_ = nullptr;
  Phase phase_ = Phase::idle;
};

template <class T>
concept LeafOperation = std::derived_from<T, Leaf>;

template <class Op>
inline constexpr bool kIsJoin = requires { requires Op::kJoin; };

// What a co_await of a leaf operation becomes. The operation itself stays where the caller's
// expression or variable put it.
template <class Op>
struct LeafAwaiter {
  Op* op;
  Fiber* fiber;  // the caller's

  bool await_ready() {
    if constexpr (!kIsJoin<Op>) {
      if (fiber->must_look_first()) [[unlikely]]
        return cancel_at_once();
    }
    if (op->try_complete()) {
      op->phase_ = Leaf::Phase::completed;
      return !fiber->spent_its_turn();
    }
    if constexpr (!kIsJoin<Op>) {
      if (fiber->scope().canceled()) [[unlikely]]
        return cancel_at_once();
    }
    return false;
  }

  void await_suspend(std::coroutine_handle<> /*caller: the fiber knows it*/) noexcept {
    op->fiber_ = fiber;
    fiber->suspend_in(*op);
    if (op->completed()) {  // done at once, but this fiber has had its turn
      fiber->yield_turn();
    } else {
      op->phase_ = Leaf::Phase::waiting;
      op->start();
    }
  }

  decltype(auto) await_resume() {
    if (op->phase_ == Leaf::Phase::canceled) [[unlikely]]
      Scope::throw_canceled(*fiber);
    return op->take();
  }

 private:
  bool cancel_at_once() {
    if constexpr (requires { op->canceled_at_once(); }) op->canceled_at_once();
    op->phase_ = Leaf::Phase::canceled;
    return true;
  }
};

}  // namespace coracle

#include "runtime/loop.h"  // the inline parts that need the loop
