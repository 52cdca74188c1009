#include "runtime/task_group.h"

#include <cstring>
#include <string>

#include "runtime/check.h"
#include "runtime/log.h"
#include "runtime/loop.h"

namespace coracle {

SpawnPlace::SpawnPlace(TaskGroup& owner, std::string_view fiber_name)
    : loop(owner.opener().loop()), group(&owner), parent_scope(&owner.scope()), name(fiber_name) {}

SpawnPlace::SpawnPlace(Loop& main_of, std::string_view fiber_name)
    : loop(main_of), group(nullptr), parent_scope(nullptr), name(fiber_name) {}

TaskGroup::TaskGroup()
    : opener_(Fiber::running()),
      frame_(*opener_.innermost()),
      outer_(opener_.opened_group_),
      scope_(opener_, Scope::Kind::group) {
  opener_.opened_group_ = this;
}

TaskGroup::~TaskGroup() {
  CORACLE_CHECK(size_ == 0, "a group ends after its children");
  opener_.opened_group_ = outer_;
}

void TaskGroup::adopt(SpawnedTask task) {
  Fiber& child = task.fiber();
  CORACLE_CHECK(&child.loop() == Loop::current_or_null(), "a group spawns on its own loop only");
  child.previous_sibling_ = last_child_;
  (last_child_ == nullptr ? first_child_ : last_child_->next_sibling_) = &child;
  last_child_ = &child;
  ++size_;
  child.wake();
}

void TaskGroup::unlink(Fiber& child) {
  (child.previous_sibling_ == nullptr ? first_child_ : child.previous_sibling_->next_sibling_) =
      child.next_sibling_;
  (child.next_sibling_ == nullptr ? last_child_ : child.next_sibling_->previous_sibling_) =
      child.previous_sibling_;
  --size_;
}

void TaskGroup::child_ended(Fiber& child) {
  if (child.failure()) [[unlikely]]
    fail(std::move(child.failure()), child.name());
  child_canceled_ |= child.was_canceled();
  forget_child(child);
  if (size_ == 0 && join_ != nullptr) std::exchange(join_, nullptr)->complete();
}

void TaskGroup::forget_child(Fiber& child) {
  unlink(child);
  SpawnedTask::destroy(*child.root_);
}

void TaskGroup::fail(std::exception_ptr failure, std::string_view who) {
  if (failure_ == nullptr) {
    failure_ = std::move(failure);
    scope_.cancel();
  } else {
    log_warn("further_failure task={} error=\"{}\"", who, describe_exception(failure));
  }
}

void TaskGroup::body_failed() {
  try {
    throw;
  } catch (const Canceled&) {
    body_canceled_ = true;
  } catch (...) {
    fail(std::current_exception(), opener_.name());
  }
}

void TaskGroup::rethrow_failure() {
  if (failure_ != nullptr) std::rethrow_exception(std::move(failure_));
}

void TaskGroup::finish() {
  rethrow_failure();
  if (!body_canceled_ && !child_canceled_) return;
  if (scope_.settle(/*deadline_fired=*/false) != Scope::Verdict::pass_on) return;
  if (body_canceled_) Scope::pass_on();
  Scope::throw_canceled(opener_);  // the first one that this fiber sees
}

Fiber* TaskGroup::previous_sibling(const Fiber& child) { return child.previous_sibling_; }

// The frame that waits for this one: at the root of a child, the one that opened its group.
const FrameLink* TaskGroup::waiting_for(const FrameLink& frame) {
  if (frame.parent != nullptr || frame.fiber->group_ == nullptr) return frame.parent;
  return &frame.fiber->group_->frame_;
}

void TaskGroup::clear(std::byte* memory, std::size_t bytes) { std::memset(memory, 0, bytes); }

// Looks for the address of a local in any frame from the running one up to the one that opened
// this group; if it is not below this group, up to its fiber's root.
void TaskGroup::scan(std::string_view name, const void* stored, std::size_t bytes) const {
  const Fiber* fiber = opener_.loop().running_fiber();
  if (fiber == nullptr) return;  // a destructor, during a tear-down
  const FrameLink* end = fiber->innermost();
  while (end != nullptr && end != &frame_) end = waiting_for(*end);
  for (const FrameLink* frame = fiber->innermost(); frame != end;
       frame = end == nullptr ? frame->parent : waiting_for(*frame)) {
    if (refers_to(*frame, stored, bytes)) {
      const std::string message = "task `" + std::string(name) +
                                  "` refers to a local that may be gone while it runs: declare "
                                  "what children use before the group";
      fail_check("spawn stores no address of a local below the group", message);
    }
  }
}

bool TaskGroup::refers_to(const FrameLink& frame, const void* stored, std::size_t bytes) {
  const auto own = reinterpret_cast<std::uintptr_t>(stored);
  const auto begin = reinterpret_cast<std::uintptr_t>(frame.handle.address());
  const std::uintptr_t end = begin + FramePool::frame_bytes(frame.handle.address());
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(stored) + at, sizeof(word));
    // A small string points into itself, and spawn() may have been inlined into the frame.
    if (word >= own && word < own + bytes) continue;
    if (word >= begin && word < end) return true;
  }
  return false;
}

}  // namespace coracle
