// File operations on the real disk.
#pragma once

#include "runtime/file_request.h"

namespace coracle::uv {

// Does what `call` asks, blocking this thread. Failures are in the result.
[[nodiscard]] FileResult perform_file(const FileCall& call) noexcept;

}  // namespace coracle::uv
