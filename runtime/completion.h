// Completion<T>: awaiting what another library answers through a callback on this thread.
//
//   Completion<Reply> answered;
//   client.get(key, [&](Reply reply) { answered.complete(std::move(reply)); });
//   Reply reply = co_await answered.wait();
#pragma once

#include <exception>
#include <utility>

#include "runtime/outcome.h"
#include "runtime/wait_list.h"

namespace coracle {

// One side waits, the other gives the result, exactly once, before or after the wait begins. Both
// on the loop's thread (remote.h is for others), inside a fiber or in a callback. It lives until
// the callback can no longer come: after a Canceled, ask the library to stop, and if it still calls
// back, wait() again inside with_cleanup.
template <class T = void>
class Completion {
 public:
  class Wait;

  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  // Waits for the result.
  //   Returns    what complete() was given.
  //   Throws     what fail() was given.
  //   Canceled   throws and leaves it open: the result may still come, and can be awaited again. A
  //              result that came first is returned.
  //   Borrows    this completion.
  //   Requires   that nobody else waits, and that the result was not taken.
  [[nodiscard]] Wait wait() { return Wait(*this); }

  // Gives the result. The waiter is made ready and runs later, not inside this call.
  //   Requires   that it was not completed or failed before.
  template <class... Args>
    requires Outcome<T>::template
  kCompletes<Args...> void complete(Args&&... value) {
    outcome_.complete(std::forward<Args>(value)...);
    wake();
  }

  // Gives a failure instead, which the waiter throws.
  //   Requires   an exception; that it was not completed or failed before.
  void fail(std::exception_ptr failure) {
    outcome_.fail(std::move(failure));
    wake();
  }

  // True once it was completed or failed.
  [[nodiscard]] bool decided() const { return outcome_.decided(); }

 private:
  void wake() {
    Wait* waiter = waiters_.pop_front();
    if (waiter == nullptr) return;
    taking_.push_back(*waiter);
    waiter->finish();
  }

  Outcome<T> outcome_;
  WaitList<Wait> waiters_;  // at most one
  WaitList<Wait> taking_;   // woken, but its fiber has not run yet: it still needs the result
};

template <class T>
class [[nodiscard]] Completion<T>::Wait final : public Waiter {
 public:
  explicit Wait(Completion& completion) : completion_(&completion) {}

  bool try_complete() {
    if (!completion_->decided()) return false;
    completion_->taking_.push_back(*this);
    return true;
  }
  void start() {
    CORACLE_CHECK(completion_->waiters_.empty(), "one task at a time waits for a completion");
    completion_->waiters_.push_back(*this);
  }
  T take() {
    unlink();
    return completion_->outcome_.take();
  }
  [[nodiscard]] const char* waits_for() const override { return "a completion"; }

 private:
  friend class Completion;
  void finish() { complete(); }

  Completion* completion_;
};

}  // namespace coracle
