// Time as a loop sees it: nanoseconds on a monotonic clock that counts suspension.
#pragma once

#include <chrono>
#include <cstdint>

namespace coracle {

// The clock of the current loop: CLOCK_BOOTTIME on Linux (it counts time spent suspended), the
// monotonic clock elsewhere, virtual time in a simulation. Its epoch means nothing.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock, duration>;
  static constexpr bool is_steady = true;

  // Reads the clock anew; nothing is cached.
  //   Returns    the current loop's time, in nanoseconds.
  //   Requires   a current loop (a fiber, or a callback that the loop runs).
  [[nodiscard]] static time_point now();
};

using Duration = Clock::duration;     // a span (a timeout), in nanoseconds
using TimePoint = Clock::time_point;  // a point (a deadline)

// The same as Clock::now().
[[nodiscard]] inline TimePoint now() { return Clock::now(); }

// A deadline that never comes.
inline constexpr TimePoint kNever = TimePoint::max();

// The deadline `span` after `start`, without overflow.
//   Returns    start + span; kNever where that cannot be represented; `start` for a negative span.
[[nodiscard]] constexpr TimePoint deadline_after(TimePoint start, Duration span) {
  if (span <= Duration::zero()) return start;
  return start >= kNever - span ? kNever : start + span;
}

}  // namespace coracle
