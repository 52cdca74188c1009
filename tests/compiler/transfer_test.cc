// Symmetric transfer: a tail call, or one more stack frame per await? (GCC PR 94794)
#include <gtest/gtest.h>

#include <coroutine>
#include <cstdint>
#include <utility>

#include "tests/compiler/canary.h"

namespace canary {
namespace {

// A task whose await hands the next handle to the compiler, instead of to a pump.
class TransferTask {
 public:
  struct promise_type {
    TransferTask get_return_object() {
      return TransferTask(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> ended) const noexcept {
          return ended.promise().waiter;
        }
        void await_resume() const noexcept {}
      };
      return Awaiter{};
    }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }

    std::coroutine_handle<> waiter = std::noop_coroutine();
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit TransferTask(Handle handle) : handle_(handle) {}
  TransferTask(TransferTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  TransferTask& operator=(TransferTask&&) = delete;
  ~TransferTask() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() const noexcept {
    struct Awaiter {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) const noexcept {
        child.promise().waiter = waiter;
        return child;
      }
      void await_resume() const noexcept {}
      Handle child;
    };
    return Awaiter{handle_};
  }
  void run() const { handle_.resume(); }

 private:
  Handle handle_;
};

// Where the stack ends right now.
[[gnu::noinline]] std::uintptr_t stack_pointer() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

template <class AnyTask>
AnyTask note_stack_pointer(std::uintptr_t& noted) {
  noted = stack_pointer();
  co_return;
}

// How far the stack has grown, per await, after many awaits of tasks that end at once.
template <class AnyTask>
AnyTask await_many(std::uintptr_t& growth) {
  constexpr int kAwaits = 1000;
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  co_await note_stack_pointer<AnyTask>(first);
  for (int i = 0; i < kAwaits; ++i) co_await note_stack_pointer<AnyTask>(last);
  growth = (first - last) / kAwaits;
}

// With g++ it depends on how it was built; so our runtime uses a pump everywhere.
#if defined(__OPTIMIZE__) && !defined(CORACLE_SANITIZED)
constexpr bool kGrowsWithGcc12 = false;
#else
constexpr bool kGrowsWithGcc12 = true;
#endif

TEST(SymmetricTransfer, IsATailCallOnlyWhereStatedHere) {
  std::uintptr_t growth = 0;
  await_many<TransferTask>(growth).run();
  EXPECT_EQ(growth > 0, kGcc12 && kGrowsWithGcc12) << growth << " bytes per await";
}

TEST(SymmetricTransfer, IsNotNeededWithAPump) {
  std::uintptr_t growth = 1;
  await_many<Task<>>(growth).run();
  EXPECT_EQ(growth, 0U);
}

}  // namespace
}  // namespace canary
