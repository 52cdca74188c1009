#include "runtime/sim/delay.h"

#include <cstdint>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

// A draw from the exponential distribution of mean 1, in units of 2^-32, by von Neumann's
// comparison of uniform numbers (1951): the length of the falling run that begins with `first`
// decides whether `first` is the fraction, and each run that is refused adds one. No logarithm,
// which libraries round differently.
std::uint64_t draw_exponential(Random& random) {
  constexpr unsigned kFractionBits = 32;
  for (std::uint64_t whole = 0;; ++whole) {
    const std::uint64_t first = random.next();
    std::uint64_t last = first;
    bool odd = true;
    for (;;) {
      const std::uint64_t next = random.next();
      if (next >= last) break;
      last = next;
      odd = !odd;
    }
    if (odd) return (whole << kFractionBits) + (first >> kFractionBits);
  }
}

}  // namespace

Duration Delay::draw(Random& random) const {
  CORACLE_CHECK(min >= Duration::zero() && exponential_mean >= Duration::zero(),
                "a delay is not negative");
  Duration drawn = random.between(min, max);
  if (exponential_mean == Duration::zero()) return drawn;
  const std::uint64_t share = draw_exponential(random);
  // In 64 bits: the whole means first, then the fraction, in microseconds where it is long.
  const auto mean = static_cast<std::uint64_t>(exponential_mean.count());
  const std::uint64_t whole = (share >> 32U) * mean;
  const std::uint64_t fraction = share & 0xFFFF'FFFFU;
  const std::uint64_t part = (mean >> 32U) * fraction + (((mean & 0xFFFF'FFFFU) * fraction) >> 32U);
  return drawn + Duration(static_cast<Duration::rep>(whole + part));
}

}  // namespace coracle::sim
