// Random numbers that mean the same on every compiler: our own generator and distributions.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/time.h"

namespace coracle {

// A small, fast generator (xoshiro256**, Blackman and Vigna 2018), seeded through splitmix64.
// Not for cryptography. Belongs to one thread.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  // Draws 64 uniform bits.
  //   Returns    the next number of the sequence that the seed decides.
  std::uint64_t next();

  // Draws uniformly from 0, 1, ..., bound - 1, without bias.
  //   Requires   bound > 0.
  std::uint64_t below(std::uint64_t bound);

  // Draws uniformly from [shortest, longest], both included, by the nanosecond.
  //   Requires   shortest <= longest.
  Duration between(Duration shortest, Duration longest);

  // Draws true with the given probability.
  //   Requires   0 <= probability <= 1.
  bool chance(double probability);

 private:
  std::array<std::uint64_t, 4> state_;
};

// The generator of the current loop: seeded by the system in production, by the seed in a
// simulation. Never draw twice in one full expression: compilers order the draws differently.
//   Requires   a current loop.
[[nodiscard]] Random& random();

}  // namespace coracle
