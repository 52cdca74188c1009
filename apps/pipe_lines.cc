#include "apps/pipe_lines.h"

namespace coracle::demo {

Task<std::optional<std::string>> PipeLines::read_line() {
  for (;;) {
    const std::size_t end = ahead_.find('\n');
    const bool whole = end != std::string::npos;
    if (whole || ahead_.size() >= kLineBytesMax || (ended_ && !ahead_.empty())) {
      std::string line = ahead_.substr(0, end);
      ahead_.erase(0, whole ? end + 1 : line.size());
      co_return line;
    }
    if (ended_) co_return std::nullopt;
    const std::size_t bytes = co_await reader_.read(buffer_);
    ended_ = bytes == 0;
    ahead_.append(reinterpret_cast<const char*>(buffer_.data()), bytes);
  }
}

}  // namespace coracle::demo
