// Reaching a loop from other threads.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "runtime/loop.h"

namespace coracle {

// Refers to a loop. Copyable; may be used on any thread, and may outlive the loop.
class LoopRef {
 public:
  explicit LoopRef(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

  // Has `function` called on the loop's thread, outside any fiber, in the order of posting. There
  // it may wake fibers (set an Event, complete a Completion), but not wait; it must not throw.
  //   Returns    true if it was accepted: it is called, unless the loop ends first. False if the
  //              loop has ended: it is not called.
  bool post(std::function<void()> function) const { return mailbox_->post(std::move(function)); }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

// Refers to the current loop.
//   Requires   a current loop.
[[nodiscard]] inline LoopRef current_loop_ref() { return LoopRef(Loop::current().mailbox()); }

}  // namespace coracle
