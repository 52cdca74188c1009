// Task<T>: a coroutine that produces a T. Lazy, move-only, awaited once.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "runtime/check.h"
#include "runtime/fiber.h"
#include "runtime/frame_pool.h"
#include "runtime/leaf.h"

namespace coracle {

template <class T>
class Task;
template <class T>
struct TaskPromise;

// The part of a Task that does not depend on its type: it owns the frame.
class TaskHandle {
 public:
  TaskHandle() = default;
  explicit TaskHandle(FrameLink* frame) : frame_(frame) {}
  TaskHandle(TaskHandle&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  TaskHandle& operator=(TaskHandle&& other) noexcept {
    if (this != &other) {
      drop();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  TaskHandle(const TaskHandle&) = delete;
  TaskHandle& operator=(const TaskHandle&) = delete;
  ~TaskHandle() { drop(); }

  // Destroys a frame that has ended, or that is being torn down, before its Task goes.
  static void destroy(FrameLink& frame) {
    frame.owner->frame_ = nullptr;
    frame.handle.destroy();
  }

 protected:
  [[nodiscard]] FrameLink* frame() const { return frame_; }

 private:
  void drop() noexcept {
    if (frame_ != nullptr) drop_unbegun();
  }
  void drop_unbegun() noexcept;

  FrameLink* frame_ = nullptr;
};

// True for a coroutine parameter that would dangle or be miscompiled: an rvalue reference.
template <class... Parameters>
inline constexpr bool kTakesRvalueReference = (std::is_rvalue_reference_v<Parameters> || ...);

// What the promises of all tasks share.
struct TaskPromiseBase : FrameLink {
  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      FrameLink& frame = ended.promise();
      frame.fiber->set_innermost(frame.parent);
    }
    void await_resume() const noexcept {}
  };

  // How one frame awaits another: the pump goes on with the child.
  template <class T>
  struct TaskAwaiter {
    TaskPromise<T>* child;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) const noexcept {
      FrameLink& parent = caller.promise();
      child->parent = &parent;
      child->fiber = parent.fiber;
      parent.fiber->set_innermost(child);
    }
    // The child's frame goes before its caller goes on, so that a task which holds the task that
    // it awaits never destroys a chain of them.
    T await_resume() const {
      struct Destroy {
        FrameLink& ended;
        ~Destroy() { TaskHandle::destroy(ended); }
      } const at_end{*child};
      return child->take();
    }
  };

  static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) { FramePool::release(frame, bytes); }

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }

  template <class T>
  TaskAwaiter<T> await_transform(Task<T>&& task,
                                 std::source_location location = std::source_location::current()) {
    awaiting = location;
    return {task.begin()};
  }

  template <LeafOperation Op>
  LeafAwaiter<Op> await_transform(Op&& operation,
                                  std::source_location location = std::source_location::current()) {
    awaiting = location;
    return {&operation, fiber};
  }

  template <class T>
  void await_transform(Task<T>& task) = delete;  // a task is awaited once: co_await std::move(task)
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  TaskPromise() {}  // NOLINT(modernize-use-equals-default): the union begins empty
  TaskPromise(const TaskPromise&) = delete;
  TaskPromise& operator=(const TaskPromise&) = delete;
  ~TaskPromise() {
    if (outcome == Outcome::value) std::destroy_at(std::addressof(value));
    if (outcome == Outcome::failure) std::destroy_at(std::addressof(failure));
  }

  Task<T> get_return_object();

  template <class U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& result) {
    std::construct_at(std::addressof(value), std::forward<U>(result));
    outcome = Outcome::value;
  }
  void unhandled_exception() {
    // The destructor of a local may throw after co_return.
    if (outcome == Outcome::value) std::destroy_at(std::addressof(value));
    std::construct_at(std::addressof(failure), std::current_exception());
    outcome = Outcome::failure;
  }
  T take() {
    if (outcome == Outcome::failure) [[unlikely]]
      std::rethrow_exception(std::move(failure));
    return std::move(value);
  }

  enum class Outcome : std::uint8_t { none, value, failure };
  Outcome outcome = Outcome::none;
  union {
    T value;
    std::exception_ptr failure;
  };
};

template <class T>
struct TaskPromise<T&> : TaskPromiseBase {
  Task<T&> get_return_object();
  void return_value(T& result) { value = std::addressof(result); }
  void unhandled_exception() { failure = std::current_exception(); }
  T& take() {
    if (failure) [[unlikely]]
      std::rethrow_exception(std::move(failure));
    return *value;
  }

  T* value = nullptr;
  std::exception_ptr failure;
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const {}
  void unhandled_exception() { failure = std::current_exception(); }
  void take() {
    if (failure) [[unlikely]]
      std::rethrow_exception(std::move(failure));
  }

  std::exception_ptr failure;
};

// A coroutine that has not begun. Nothing of it runs before it is awaited, spawned or given to
// run(); then it runs in the fiber of whoever awaits it.
//   co_await t()   Returns what t returned with co_return; throws what t threw.
//                  Canceled: not itself; the leaf operation that t waits in is.
//                  Requires: awaited at most once. Dropping a task that was never awaited is
//                  allowed and destroys its parameters.
template <class T = void>
class [[nodiscard]] Task : public TaskHandle {
 public:
  using value_type = T;
  using promise_type = TaskPromise<T>;

  Task() = default;

 private:
  friend struct TaskPromise<T>;
  friend struct TaskPromiseBase;

  explicit Task(promise_type& promise) : TaskHandle(&promise) {}

  promise_type* begin() {
    CORACLE_CHECK(frame() != nullptr, "a task is awaited once, and not after it was moved from");
    CORACLE_CHECK(frame()->parent == nullptr, "a task is awaited by one caller");
    frame()->owner = this;
    return static_cast<promise_type*>(frame());
  }
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  handle = std::coroutine_handle<TaskPromise>::from_promise(*this);
  return Task<T>(*this);
}
template <class T>
Task<T&> TaskPromise<T&>::get_return_object() {
  handle = std::coroutine_handle<TaskPromise>::from_promise(*this);
  return Task<T&>(*this);
}
inline Task<void> TaskPromise<void>::get_return_object() {
  handle = std::coroutine_handle<TaskPromise>::from_promise(*this);
  return Task<void>(*this);
}

}  // namespace coracle

// Coroutines take no `T&&` parameters: the frame would keep a reference to a temporary.
template <class T, class... Parameters>
struct std::coroutine_traits<coracle::Task<T>, Parameters...> {
  static_assert(!coracle::kTakesRvalueReference<Parameters...>,
                "a coroutine takes its parameters by value or by lvalue reference: an rvalue "
                "reference would dangle (and a coroutine must not be a && member)");
  using promise_type = typename coracle::Task<T>::promise_type;
};
