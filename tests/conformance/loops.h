// How a loop behaves, as plain tasks over runtime/: timers, order, signals, work that blocks. The
// same checks run on the real loop and on a simulated host (loops_test.cc).
#pragma once

#include <span>
#include <string_view>

#include "runtime/task.h"

namespace coracle::conformance {

struct LoopBehavior {
  std::string_view name;
  // Checks it. Failures are GoogleTest's.
  Task<> (*check)();
};

// Returns    all of them.
[[nodiscard]] std::span<const LoopBehavior> loop_behaviors();

}  // namespace coracle::conformance
