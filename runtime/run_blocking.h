// Calls that block, on other threads, so that the loop goes on.
//
//   const std::size_t words = co_await run_blocking([&] { return count_words(text); });
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/back_end.h"
#include "runtime/leaf.h"
#include "runtime/request.h"
#include "runtime/task_group.h"

namespace coracle {

// What run_blocking() returns; await it.
template <class F>
class [[nodiscard]] BlockingOperation final : public Leaf, private BlockingRequest {
 public:
  using Result = std::invoke_result_t<F&>;

  explicit BlockingOperation(F function) : function_(function) {}

  static bool try_complete() { return false; }
  void start() { fiber()->loop().back_end().perform_blocking(*this); }
  Result take() {
    if (failure_) std::rethrow_exception(std::move(failure_));
    if constexpr (std::is_reference_v<Result>) {
      return static_cast<Result>(**result_);
    } else if constexpr (!std::is_void_v<Result>) {
      return std::move(*result_);
    }
  }
  void on_cancel() override { fiber()->loop().back_end().cancel(*this); }
  void on_tear_down() override {
    if (waiting()) fiber()->loop().back_end().abandon(*this);
  }
  [[nodiscard]] const char* waits_for() const override { return "a blocking call"; }

 private:
  struct Nothing {};
  using Kept = std::conditional_t<
      std::is_void_v<Result>, Nothing,
      std::conditional_t<std::is_reference_v<Result>, std::remove_reference_t<Result>*, Result>>;

  void perform() noexcept override {
    try {
      if constexpr (std::is_void_v<Result>) {
        function_();
      } else if constexpr (std::is_reference_v<Result>) {
        result_ = &function_();
      } else {
        result_.emplace(function_());
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void ended(bool ran) override { ran ? complete() : finish_canceled(); }

  F function_;
  std::optional<Kept> result_;
  std::exception_ptr failure_;
};

// Runs `function()` on a thread of the pool (four of them, shared by all loops of the process,
// unless UV_THREADPOOL_SIZE says otherwise) and waits for it.
//   Returns    what it returned.
//   Throws     what it threw.
//   Canceled   throws if the call had not begun; it never does then. One that has begun is waited
//              for, and its result stands.
//   Borrows    what `function` refers to, until it returns: also when it is canceled.
//   Requires   a function that owns nothing (captures by reference, or trivial values), and that
//              uses nothing of the loop: it runs on another thread.
template <class F>
BlockingOperation<F> run_blocking(F function) {
  static_assert(kSafeClosure<F>,
                "the function of a run_blocking must not own anything (GCC 12 would destroy it "
                "twice): declare the value before the call and capture it by reference");
  return BlockingOperation<F>(function);
}

}  // namespace coracle
