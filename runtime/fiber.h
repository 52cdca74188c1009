// Fibers: a spawned task together with everything it awaits, one below the other. At any moment a
// fiber is running, ready, or suspended in exactly one leaf operation. Mechanism; users spawn
// (task_group.h) and await (task.h).
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>

#include "runtime/scope.h"

namespace coracle {

class Fiber;
class Leaf;
class Loop;
class TaskGroup;
class TaskHandle;

// What every coroutine frame of a fiber carries: its place in the chain of awaits.
struct FrameLink {
  std::coroutine_handle<> handle;
  Fiber* fiber = nullptr;
  FrameLink* parent = nullptr;    // the frame that awaits this one; null at the fiber's root
  TaskHandle* owner = nullptr;    // the Task that destroys this frame; null at the fiber's root
  std::source_location awaiting;  // of the await this frame is in, or was in last
};

// The record of a fiber. It lives in the frame at the fiber's root, which the group (or the loop,
// for the main fiber) destroys after the pump has let go of it.
class Fiber {
 public:
  Fiber(Loop& loop, TaskGroup* group, Scope* parent_scope, std::string_view name, FrameLink& root);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // The fiber that runs on this thread.
  //   Requires   one: the caller is a coroutine, or was called by one.
  static Fiber& running();

  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] TaskGroup* group() const { return group_; }
  // The innermost scope.
  [[nodiscard]] Scope& scope() const { return *scope_; }
  // The outermost scope: that of the whole fiber.
  [[nodiscard]] Scope& root_scope() { return root_scope_; }
  // The innermost frame: the one that runs, or that awaits the pending operation.
  [[nodiscard]] FrameLink* innermost() const { return innermost_; }
  void set_innermost(FrameLink* frame) { innermost_ = frame; }
  // The operation in which it is suspended, or which it has not yet taken the result of.
  [[nodiscard]] Leaf* pending() const { return pending_; }
  // The innermost group that this fiber has opened and not closed.
  [[nodiscard]] TaskGroup* opened_group() const { return opened_group_; }
  // What ended it, if that was an exception other than an expected Canceled.
  [[nodiscard]] std::exception_ptr& failure() { return failure_; }
  // True if an expected Canceled ended it.
  [[nodiscard]] bool was_canceled() const { return was_canceled_; }
  // True once its root frame has ended (or was torn down).
  [[nodiscard]] bool ended() const { return innermost_ == nullptr; }

  // The pump: resumes the innermost frame, and goes on with whichever frame is innermost then,
  // until the fiber suspends in a leaf operation or ends.
  void pump();
  // Puts it at the end of the loop's ready queue.
  void wake();
  // Keeps what ended the root frame; called while the exception is being handled.
  void fail_with_current_exception();

  // For LeafAwaiter (leaf.h): one call of spent_its_turn() for each operation that was done
  // without suspending; true for the 128th, after which the fiber yields.
  [[nodiscard]] bool spent_its_turn() { return ++streak_ >= kTurn; }
  // True if this fiber has just yielded its turn and is canceled: it throws before it takes more.
  [[nodiscard]] bool must_look_first() {
    if (!looks_first_) [[likely]]
      return false;
    looks_first_ = false;
    return scope_->canceled();
  }
  void suspend_in(Leaf& leaf) { pending_ = &leaf; }
  void yield_turn();

  // Destroys the frames of this fiber and of all fibers below it, leaf first, without resuming
  // any: a crash. The caller then destroys the root.
  void tear_down();

 private:
  friend class Loop;
  friend class Scope;
  friend class TaskGroup;

  static constexpr std::uint8_t kTurn = 128;

  // Destroys the innermost frame (but for the root's, which it only leaves).
  void destroy_innermost();

  // What each resumption touches comes first, close together.
  Loop& loop_;
  TaskGroup* group_;
  FrameLink* root_;
  FrameLink* innermost_;
  Leaf* pending_ = nullptr;
  Scope* scope_ = nullptr;
  TaskGroup* opened_group_ = nullptr;
  Fiber* next_ready_ = nullptr;
  std::uint8_t streak_ = 0;
  bool looks_first_ = false;
  bool was_canceled_ = false;
  Fiber* previous_sibling_ = nullptr;  // in its group
  Fiber* next_sibling_ = nullptr;
  std::exception_ptr failure_;
  std::string name_;
  Scope root_scope_;
};

}  // namespace coracle
