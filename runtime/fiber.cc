#include "runtime/fiber.h"

#include "runtime/check.h"
#include "runtime/leaf.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle {

Fiber::Fiber(Loop& loop, TaskGroup* group, Scope* parent_scope, std::string_view name,
             FrameLink& root)
    : loop_(loop),
      group_(group),
      root_(&root),
      innermost_(&root),
      name_(name),
      root_scope_(*this, parent_scope) {
  ++loop_.live_fibers_;
}

Fiber::~Fiber() { --loop_.live_fibers_; }

void Fiber::pump() {
  streak_ = 0;
  pending_ = nullptr;
  const FrameLink* resumed = nullptr;
  do {
    resumed = innermost_;
    resumed->handle.resume();
  } while (innermost_ != resumed && innermost_ != nullptr);
}

void Fiber::fail_with_current_exception() {
  try {
    throw;
  } catch (const Canceled&) {
    // The group asked for it (anything else fails the check): the fiber ends quietly.
    static_cast<void>(root_scope_.settle(/*deadline_fired=*/false));
    was_canceled_ = true;
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void Fiber::destroy_innermost() {
  FrameLink* frame = innermost_;
  innermost_ = frame->parent;
  if (frame->owner != nullptr) TaskHandle::destroy(*frame);  // the root goes with the fiber
}

// Without recursion: fibers wait for each other as deep as a program nests its groups.
void Fiber::tear_down() {
  CORACLE_CHECK(loop_.tearing_down(), "only a loop tears fibers down");
  Fiber* fiber = this;
  for (;;) {
    while (!fiber->ended() && fiber->opened_group_ != nullptr &&
           fiber->opened_group_->last_child() != nullptr &&
           fiber->opened_group_->opened_by(*fiber->innermost_)) {
      fiber = fiber->opened_group_->last_child();
    }
    if (fiber->pending_ != nullptr) std::exchange(fiber->pending_, nullptr)->on_tear_down();
    if (!fiber->ended()) {
      fiber->destroy_innermost();
      continue;
    }
    if (fiber == this) return;
    TaskGroup* group = fiber->group_;
    group->forget_child(*fiber);
    fiber = &group->opener();
  }
}

}  // namespace coracle
