#include "runtime/task.h"

#include <utility>

namespace coracle {
namespace {

// A task may be the parameter of a task, and so on: destroying one from inside the other would use
// as much stack as they are deep. Beyond this depth the rest waits until the stack is free again.
constexpr int kNestedDrops = 100;

struct Drops {
  int depth;
  FrameLink* postponed;  // linked by `parent`, which means nothing for a frame that has not begun
};

constinit thread_local Drops drops = {};

}  // namespace

void TaskHandle::drop_unbegun() noexcept {
  FrameLink* frame = std::exchange(frame_, nullptr);
  CORACLE_CHECK(frame->parent == nullptr, "a task that has begun is destroyed after it has ended");
  if (drops.depth == kNestedDrops) {
    frame->parent = std::exchange(drops.postponed, frame);
    return;
  }
  ++drops.depth;
  frame->handle.destroy();
  while (drops.depth == 1 && drops.postponed != nullptr) {
    FrameLink* next = drops.postponed;
    drops.postponed = next->parent;
    next->handle.destroy();
  }
  --drops.depth;
}

}  // namespace coracle
