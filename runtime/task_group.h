// TaskGroup: structured concurrency, the only way to start something concurrent.
//
//   net::TcpListener listener = net::TcpListener::listen(address);  // before the group
//   co_await task_group([&](TaskGroup& group) -> Task<> {
//     group.spawn("accept", accept_clients, std::ref(listener), std::ref(group));
//     group.spawn("report", report_every, 10s);
//     co_return;
//   });  // returns when the body and all children have ended
#pragma once

#include <cstddef>
#include <functional>
#include <new>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/spawned.h"
#include "runtime/task.h"

namespace coracle {

// The children of one fiber. Belongs to the task_group() that made it; ends with it.
class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // Starts a child: a fiber that runs `co_await function(args...)`. Nothing of it runs before the
  // caller suspends; children start in the order of spawning. A child that throws cancels the
  // group; its exception comes out of task_group().
  //   Borrows    nothing by itself: copies of `function` and `args` live until the child ends.
  //              What they refer to (std::ref, pointers, [&]) must live longer than the group:
  //              declared before it. Debug builds abort, with the child's name, when a reference
  //              to a local of the calling fiber below the group is stored.
  //   Requires   `function(args...)` to return a Task. A canceled group may spawn: the child runs
  //              until its first await that would suspend.
  template <class F, class... Args>
  void spawn(std::string_view name, F&& function, Args&&... args);

  // Asks everything in the group to stop: the body and all children, also those spawned later.
  // task_group() then returns normally, unless one of them fails. Twice is the same as once.
  void cancel() { scope_.cancel(); }

  // Returns    whether the group, or what encloses it, was asked to stop.
  [[nodiscard]] bool canceled() const { return scope_.canceled(); }

  // Returns    how many children have not ended.
  [[nodiscard]] std::size_t size() const { return size_; }

  // Mechanism, for the runtime (combinators.h, fiber.cc, dump.cc) --------------------------------

  // Waits until all children have ended. Never throws.
  class Join final : public Leaf {
   public:
    static constexpr bool kJoin = true;
    explicit Join(TaskGroup& group) : group_(group) {}
    bool try_complete() const { return group_.size_ == 0; }
    void start() { group_.join_ = this; }
    void take() const {}
    void on_cancel() override {}  // the children have been asked
    void on_tear_down() override { group_.join_ = nullptr; }
    [[nodiscard]] const char* waits_for() const override { return "its children to end"; }

   private:
    friend class TaskGroup;
    TaskGroup& group_;
  };

  // Opens a group in the running frame.
  TaskGroup();
  // The same as spawn(), without the scan: for closures that live as long as the group.
  void adopt(SpawnedTask task);
  // Takes the exception being handled as that of the body.
  void body_failed();
  [[nodiscard]] Join join() { return Join(*this); }
  // Throws the first failure, once all have ended.
  void rethrow_failure();
  // Throws what task_group() has to throw at its end, once all have ended.
  void finish();
  void child_ended(Fiber& child);
  // Destroys a child that was torn down.
  void forget_child(Fiber& child);
  [[nodiscard]] Fiber& opener() const { return opener_; }
  [[nodiscard]] bool opened_by(const FrameLink& frame) const { return &frame_ == &frame; }
  [[nodiscard]] Fiber* first_child() const { return first_child_; }
  [[nodiscard]] Fiber* last_child() const { return last_child_; }
  [[nodiscard]] TaskGroup* outer() const { return outer_; }
  [[nodiscard]] static Fiber* previous_sibling(const Fiber& child);
  [[nodiscard]] Scope& scope() { return scope_; }

 private:
  void unlink(Fiber& child);
  void fail(std::exception_ptr failure, std::string_view who);
  // Out of line: an optimizer drops what is written where an object is about to be made.
  static void clear(std::byte* memory, std::size_t bytes);
  void scan(std::string_view name, const void* stored, std::size_t bytes) const;
  [[nodiscard]] static const FrameLink* waiting_for(const FrameLink& frame);
  [[nodiscard]] static bool refers_to(const FrameLink& frame, const void* stored,
                                      std::size_t bytes);

  Fiber& opener_;
  FrameLink& frame_;
  TaskGroup* outer_;
  Fiber* first_child_ = nullptr;
  Fiber* last_child_ = nullptr;
  std::size_t size_ = 0;
  Join* join_ = nullptr;
  std::exception_ptr failure_;
  bool body_canceled_ = false;
  bool child_canceled_ = false;
  Scope scope_;
};

// True for a closure that is safe inside a co_await expression. GCC 12 destroys a temporary
// closure that owns something twice.
template <class Body>
inline constexpr bool kSafeClosure = std::is_trivially_destructible_v<Body>;

namespace task_group_detail {

// Kept out of line, so that clang gives the body a frame of its own: the scan relies on it.
template <class Body>
[[gnu::noinline]] Task<> call_body(Body& body, TaskGroup& group) {
  return body(group);
}

template <class Body>
Task<> run_group(Body body) {
  TaskGroup group;
  try {
    co_await call_body(body, group);
  } catch (...) {
    group.body_failed();
  }
  co_await group.join();
  group.finish();
}

}  // namespace task_group_detail

// Opens a group, awaits `body(group)` in place, and waits until all children have ended.
//   Throws     the first exception of the body or a child, after all have ended; further ones are
//              logged with their task's name. Canceled when an enclosing scope is canceled.
//   Canceled   hands the request to the body and all children and waits for them.
//   Borrows    what the body captures by reference.
//   Requires   a body that owns nothing (captures by reference, or trivial values): name what it
//              needs before the group and capture by reference.
template <class Body>
[[nodiscard]] Task<> task_group(Body body) {
  static_assert(kSafeClosure<Body>,
                "the body of a task_group must not own anything (GCC 12 would destroy it twice): "
                "declare the value before the group and capture it by reference");
  return task_group_detail::run_group<Body>(body);
}

template <class F, class... Args>
void TaskGroup::spawn(std::string_view name, F&& function, Args&&... args) {
  using Stored = std::tuple<std::decay_t<F>, std::decay_t<Args>...>;
  if constexpr (kDebugChecks) {
    // Padding must not hold what an earlier user of this memory left.
    alignas(Stored) std::byte memory[sizeof(Stored)];
    clear(memory, sizeof(memory));
    auto* stored = ::new (memory) Stored(std::forward<F>(function), std::forward<Args>(args)...);
    scan(name, memory, sizeof(memory));
    struct Destroy {
      Stored* stored;
      ~Destroy() { stored->~Stored(); }
    } destroy{stored};
    adopt(spawned::store<std::decay_t<F>, std::decay_t<Args>...>(*this, name, std::move(*stored)));
  } else {
    adopt(spawned::child<std::decay_t<F>, std::decay_t<Args>...>(
        {*this, name}, std::forward<F>(function), std::forward<Args>(args)...));
  }
}

}  // namespace coracle
