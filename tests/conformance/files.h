// How files behave, as plain tasks over runtime/file.h: the same checks run on the real disk and on
// the simulated one (files_test.cc), so that the two cannot drift apart.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/task.h"

namespace coracle::conformance {

struct FileBehavior {
  std::string_view name;
  // Checks it in a directory that is empty and for it alone. Failures are GoogleTest's.
  Task<> (*check)(std::string directory);
};

// Returns    all of them.
[[nodiscard]] std::span<const FileBehavior> file_behaviors();

}  // namespace coracle::conformance
