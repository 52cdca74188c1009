// For tests that cancel one task among several.
#pragma once

#include <utility>

#include "runtime/check.h"
#include "runtime/task_group.h"

namespace coracle {

// A task that can be asked to stop from outside, alone:
//
//   Stoppable waiter;                                       // before the group
//   group.spawn("waiter", &Stoppable::run, &waiter, wait_for(event));
//   ...
//   waiter.stop();
class Stoppable {
 public:
  Task<> run(Task<> task) {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group_ = &group;
      co_await std::move(task);
    });
    group_ = nullptr;
    ended_ = true;
  }

  // Asks it to stop, unless it has ended.
  //   Requires   that it has begun.
  void stop() {
    if (ended_) return;
    CORACLE_CHECK(group_ != nullptr, "what has not begun is not stopped");
    group_->cancel();
  }
  // True once it has returned or was stopped.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  TaskGroup* group_ = nullptr;
  bool ended_ = false;
};

}  // namespace coracle
