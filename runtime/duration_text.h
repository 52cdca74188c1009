// Durations as people write them on a command line: `10s`, `150ms`, `150-300ms`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/time.h"

namespace coracle {

// Reads a whole number and its unit: ns, us, ms, s, m (minutes) or h. 0 needs no unit.
//   Returns    the duration, or nothing if `text` is not of this form, or too long to represent.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

// Writes it in the largest unit in which it is a whole number.
//   Returns    what parse_duration() reads.
[[nodiscard]] std::string print_duration(Duration duration);

struct DurationRange {
  Duration shortest{};
  Duration longest{};

  friend bool operator==(const DurationRange&, const DurationRange&) = default;
};

// Reads `150-300ms`, `900ms-2s` or, for a range of one, `150ms`.
//   Returns    the range, or nothing if `text` is not of this form or runs backwards.
[[nodiscard]] std::optional<DurationRange> parse_duration_range(std::string_view text);

//   Returns    what parse_duration_range() reads.
[[nodiscard]] std::string print_duration_range(const DurationRange& range);

}  // namespace coracle
