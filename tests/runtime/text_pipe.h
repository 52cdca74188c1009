// Text through pipes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "runtime/pipe_reader.h"
#include "runtime/pipe_writer.h"
#include "runtime/task.h"

namespace coracle {

// Returns all that comes until the end.
inline Task<std::string> read_all(PipeReader& reader) {
  std::string text;
  std::array<char, 1000> buffer{};
  for (;;) {
    const std::size_t count = co_await reader.read(std::as_writable_bytes(std::span(buffer)));
    if (count == 0) co_return text;
    text.append(buffer.data(), count);
  }
}

// Writes it, and closes the writer.
inline Task<> write_all(PipeWriter& writer, const std::string& text) {
  co_await writer.write(std::as_bytes(std::span(text)));
  writer.close();
}

}  // namespace coracle
