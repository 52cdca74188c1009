// Structured log lines: a verb phrase, then key=value pairs. One logger per loop; the loop's time
// and the running fiber's name are added to each line.
//
//   log_info("became_leader term={} votes={}", term, votes);
//   12.350123 info task=node-2 became_leader term=7 votes=2
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace coracle {

enum class LogLevel : unsigned char { trace, debug, info, warn, error, off };

// Mechanism: writes one formatted line to the current loop's logger; without a current loop, drops
// it.
void write_log(LogLevel level, std::string_view line);
// Returns    whether a line of this level would be written.
[[nodiscard]] bool logs(LogLevel level);

// Sets the least level that the current loop's logger writes. Default: info.
//   Requires   a current loop.
void set_log_level(LogLevel level);

// Each writes one line: a fmt format string and its arguments, which are formatted only if the
// level is on. Never throws for a failed environment: a line that cannot be written is lost.
template <class... Args>
void log_trace(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::trace))
    write_log(LogLevel::trace, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::debug))
    write_log(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::info))
    write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::warn))
    write_log(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::error))
    write_log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

// What an exception says of itself, in words.
[[nodiscard]] std::string describe_exception(const std::exception_ptr& exception);

}  // namespace coracle
