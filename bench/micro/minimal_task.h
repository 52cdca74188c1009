// The floor of the micro-costs: a task and a ready queue with nothing in them but what a coroutine
// cannot do without. No exceptions, no cancellation, no budget, no names; one thread.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

namespace bench::floor {

// Freed frames by size class, reused last in, first out.
class FramePool {
 public:
  static void* take(std::size_t bytes) {
    Block*& first = free_[bytes / kStep];
    if (first == nullptr) return ::operator new((bytes / kStep + 1) * kStep);
    return std::exchange(first, first->next);
  }
  static void give(void* frame, std::size_t bytes) {
    Block*& first = free_[bytes / kStep];
    first = new (frame) Block{first};
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr std::size_t kStep = 64;
  static inline thread_local constinit std::array<Block*, 64> free_{};
};

struct PooledPromise {
  static void* operator new(std::size_t bytes) { return FramePool::take(bytes); }
  static void operator delete(void* frame, std::size_t bytes) { FramePool::give(frame, bytes); }
};

// A lazy coroutine that yields an int.
class Task {
 public:
  struct promise_type : PooledPromise {
    struct Final {
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().continuation;
      }
      void await_resume() const noexcept {}
    };

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_value(int result) { value = result; }
    void unhandled_exception() { std::terminate(); }

    std::coroutine_handle<> continuation = std::noop_coroutine();
    int value = 0;
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  [[nodiscard]] bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) {
    frame_.promise().continuation = caller;
    return frame_;
  }
  int await_resume() { return frame_.promise().value; }

  void start() { frame_.resume(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

// What waits for its turn; it lives in the frame that waits.
struct Ready {
  std::coroutine_handle<> frame;
  Ready* next = nullptr;
};

class ReadyQueue {
 public:
  void push(Ready& ready) {
    ready.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &ready;
    last_ = &ready;
  }
  void run() {
    while (first_ != nullptr) std::exchange(first_, first_->next)->frame.resume();
  }

 private:
  Ready* first_ = nullptr;
  Ready* last_ = nullptr;
};

// co_await Yield(queue): to the end of the queue.
class Yield {
 public:
  explicit Yield(ReadyQueue& queue) : queue_(queue) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    ready_.frame = caller;
    queue_.push(ready_);
  }
  void await_resume() const {}

 private:
  ReadyQueue& queue_;
  Ready ready_;
};

// Counts children; one parent waits for the last of them.
class Join {
 public:
  explicit Join(ReadyQueue& queue) : queue_(queue) {}
  void add() { ++count_; }
  void done() {
    if (--count_ == 0 && waiter_.frame) queue_.push(waiter_);
  }
  [[nodiscard]] bool await_ready() const { return count_ == 0; }
  void await_suspend(std::coroutine_handle<> caller) { waiter_.frame = caller; }
  void await_resume() { waiter_.frame = nullptr; }

 private:
  ReadyQueue& queue_;
  Ready waiter_;
  int count_ = 0;
};

// A child that runs by itself from the ready queue, and frees itself.
struct Spawned {
  struct promise_type : PooledPromise {
    template <class... Others>
    promise_type(ReadyQueue& queue, Join& joined, Others&... /*others*/) : join(joined) {
      join.add();
      ready.frame = std::coroutine_handle<promise_type>::from_promise(*this);
      queue.push(ready);
    }
    Spawned get_return_object() { return {}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept {
      join.done();
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }

    Ready ready;
    Join& join;
  };
};

// One slot, one sender, one receiver.
class Slot {
 public:
  explicit Slot(ReadyQueue& queue) : queue_(queue) {}

  void send(int value) {  // Requires an empty slot.
    value_ = value;
    full_ = true;
    if (receiver_.frame) queue_.push(receiver_);
  }

  [[nodiscard]] bool await_ready() const { return full_; }
  void await_suspend(std::coroutine_handle<> caller) { receiver_.frame = caller; }
  int await_resume() {
    receiver_.frame = nullptr;
    full_ = false;
    return value_;
  }

 private:
  ReadyQueue& queue_;
  Ready receiver_;
  int value_ = 0;
  bool full_ = false;
};

}  // namespace bench::floor
