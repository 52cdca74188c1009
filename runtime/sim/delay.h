// How long something takes in a simulated world.
#pragma once

#include "runtime/random.h"
#include "runtime/time.h"

namespace coracle::sim {

// Uniform in [min, max], plus, unless it is zero, an exponentially distributed share of that mean.
// Drawn in integers, so that every compiler draws the same.
struct Delay {
  Duration min{};
  Duration max{};
  Duration exponential_mean{};

  // Draws one.
  //   Requires   0 <= min <= max; exponential_mean >= 0.
  [[nodiscard]] Duration draw(Random& random) const;

  friend bool operator==(const Delay&, const Delay&) = default;
};

// Always the same.
[[nodiscard]] constexpr Delay exactly(Duration delay) { return {.min = delay, .max = delay}; }

}  // namespace coracle::sim
