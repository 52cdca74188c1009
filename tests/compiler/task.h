// The least that is a lazy task: what the canaries await. It stands alone, so that a canary speaks
// of the compiler and not of our runtime.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace canary {

// Resumes one coroutine after the other, so that no stack grows.
struct Pump {
  static inline std::coroutine_handle<> next;

  static void run() {
    while (next) std::exchange(next, {}).resume();
  }
};

struct PromiseBase {
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      Pump::next = ended.promise().waiter;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() { failure = std::current_exception(); }

  std::coroutine_handle<> waiter = std::noop_coroutine();
  std::exception_ptr failure;
};

template <class T>
struct Promise;

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept {
      handle.promise().waiter = waiter;
      Pump::next = handle;
    }
    T await_resume() const {
      if (handle.promise().failure) std::rethrow_exception(handle.promise().failure);
      if constexpr (!std::is_void_v<T>) return std::move(*handle.promise().result);
    }
    Handle handle;
  };
  Awaiter operator co_await() const noexcept { return {handle_}; }

  // Runs the task to its end from outside of any coroutine.
  T run() {
    Pump::next = handle_;
    Pump::run();
    return Awaiter{handle_}.await_resume();
  }

 private:
  Handle handle_;
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object() { return Task<T>(Task<T>::Handle::from_promise(*this)); }
  template <class U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }

  std::optional<T> result;
};

template <>
struct Promise<void> : PromiseBase {
  Task<> get_return_object() { return Task<>(Task<>::Handle::from_promise(*this)); }
  void return_void() const noexcept {}
};

}  // namespace canary
