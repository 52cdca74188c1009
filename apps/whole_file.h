// Files read and written at once.
#pragma once

#include <string>
#include <string_view>

#include "runtime/task.h"

namespace coracle {

// Reads a whole file.
//   Returns    what it holds.
//   Throws     Error when there is none, or the disk fails.
[[nodiscard]] Task<std::string> read_whole_file(std::string_view path);

// Writes a whole file, in place of what was there.
//   Throws     Error when the disk fails.
//   Borrows    `content` until it returns.
[[nodiscard]] Task<> write_whole_file(std::string_view path, std::string_view content);

}  // namespace coracle
