// The number of the demo's cluster, by which its servers refuse those of another demo.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/task.h"

namespace coracle::demo {

// Returns    what the file `cluster` in `directory` says; a number that it draws, and writes there,
//            if there is none.
//   Throws     Error when it cannot be read or written, or says something else.
//   Canceled   throws.
[[nodiscard]] Task<std::uint64_t> cluster_number(std::string directory);

}  // namespace coracle::demo
