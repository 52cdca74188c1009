#include "runtime/wait_list.h"

#include <string>

#include "runtime/check.h"
#include "runtime/dump_tasks.h"
#include "runtime/loop.h"

namespace coracle {

void WaitListBase::abandon(const Fiber* waiting) {
  const Loop* loop = Loop::current_or_null();
  if (loop == nullptr || !loop->tearing_down()) {
    std::string who = waiting == nullptr ? std::string("(unknown)\n") : describe_fiber(*waiting);
    who.pop_back();  // its newline
    fail_check("no task waits in a primitive that is destroyed",
               "destroyed while this task waits in it: " + who);
  }
  while (!empty()) head_.next_->unlink();
}

}  // namespace coracle
