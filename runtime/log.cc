#include "runtime/log.h"

#include <spdlog/logger.h>

#include "runtime/canceled.h"
#include "runtime/loop.h"

namespace coracle {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace: return spdlog::level::trace;
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: break;
  }
  return spdlog::level::off;
}

}  // namespace

bool logs(LogLevel level) {
  const Loop* loop = Loop::current_or_null();
  return loop != nullptr && loop->logger().should_log(to_spdlog(level));
}

void set_log_level(LogLevel level) { Loop::current().logger().set_level(to_spdlog(level)); }

void write_log(LogLevel level, std::string_view line) {
  Loop* loop = Loop::current_or_null();
  if (loop == nullptr) return;
  const double seconds = std::chrono::duration<double>(now().time_since_epoch()).count();
  const Fiber* fiber = loop->running_fiber();
  if (fiber == nullptr) {
    loop->logger().log(to_spdlog(level), "{:.6f} {} {}", seconds,
                       spdlog::level::to_string_view(to_spdlog(level)), line);
  } else {
    loop->logger().log(to_spdlog(level), "{:.6f} {} task={} {}", seconds,
                       spdlog::level::to_string_view(to_spdlog(level)), fiber->name(), line);
  }
}

std::string describe_exception(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (const Canceled&) {
    return "canceled";
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace coracle
