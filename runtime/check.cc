#include "runtime/check.h"

#include <cstdlib>
#include <string>

#include <spdlog/fmt/fmt.h>

#include "runtime/back_end.h"
#include "runtime/dump_tasks.h"
#include "runtime/loop.h"

namespace coracle {

void fail_check(const char* condition, std::string_view message, std::source_location location) {
  fmt::print(stderr, "check failed: {}\n  {}\n  at {}:{}\n", message, condition,
             location.file_name(), location.line());
  if (const Loop* loop = Loop::current_or_null()) {
    loop->back_end().check_failed(message);
    if (const Fiber* fiber = loop->running_fiber()) {
      fmt::print(stderr, "  in {}", describe_fiber(*fiber));
    }
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace coracle
