// Lines out of a pipe: what a child logs, or what a user types.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "runtime/pipe_reader.h"
#include "runtime/task.h"

namespace coracle::demo {

class PipeLines {
 public:
  // A longer line is handed out in pieces.
  static constexpr std::size_t kLineBytesMax = 16 * 1024;

  explicit PipeLines(PipeReader reader) : reader_(std::move(reader)) {}

  // Returns    the next line without its `\n`; a last line that has none counts; nothing at the
  //            end.
  //   Throws     Error when the pipe failed.
  //   Canceled   loses nothing.
  [[nodiscard]] Task<std::optional<std::string>> read_line();

 private:
  PipeReader reader_;
  std::string ahead_;
  bool ended_ = false;
  std::array<std::byte, 4096> buffer_{};
};

}  // namespace coracle::demo
