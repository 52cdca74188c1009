// CORACLE_CHECK: what must hold unless the program is wrong. On in every build.
#pragma once

#include <source_location>
#include <string_view>

namespace coracle {

// Fails a check: calls the current loop's failure handler (in a simulation it prints seed, host
// and virtual time), prints the condition, the message and the running fiber's await chain, and
// aborts.
[[noreturn]] void fail_check(const char* condition, std::string_view message,
                             std::source_location location = std::source_location::current());

}  // namespace coracle

// One condition per check. A bug fails it; an expected outcome is a return value, and a failed
// environment throws Error.
#define CORACLE_CHECK(condition, message)         \
  do {                                            \
    if (!(condition)) [[unlikely]]                \
      ::coracle::fail_check(#condition, message); \
  } while (false)
