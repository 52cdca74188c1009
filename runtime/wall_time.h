// The time of day, for people and for other machines: logs, certificates, answers to "when?".
// Everything that waits or measures uses now() of time.h instead.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coracle {

// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (Unix time).
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// Reads the machine's clock of the time of day, which somebody may set, forwards or backwards, at
// any time; in a simulation the host's, which starts at 2000-01-01T00:00:00Z.
//   Returns    the current loop's time.
//   Requires   a current loop.
[[nodiscard]] WallTime wall_time_now();

//   Returns    it to the microsecond, rounded down: `2026-11-22T08:50:38.042317Z` (RFC 3339).
[[nodiscard]] std::string print_wall_time(WallTime time);

// Reads a time in UTC as RFC 3339 (section 5.6) writes it, with `T`, `Z`, and up to nine digits of
// a second's fraction, or none.
//   Returns    the time, or nothing if `text` is not of this form, names no day (`2026-02-30`) or
//              a leap second (`:60`, which Unix time cannot represent), or lies outside of the
//              years 1678 to 2261, which is what nanoseconds can count.
[[nodiscard]] std::optional<WallTime> parse_wall_time(std::string_view text);

}  // namespace coracle
