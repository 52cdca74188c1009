#include "runtime/random.h"

#include <bit>

#include "runtime/check.h"

namespace coracle {
namespace {

std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CORACLE_CHECK(bound > 0, "a draw needs at least one possible outcome");
  const std::uint64_t rejected = (0 - bound) % bound;  // 2^64 mod bound: what would favor some
  for (;;) {
    const std::uint64_t drawn = next();
    if (drawn >= rejected) return drawn % bound;
  }
}

Duration Random::between(Duration shortest, Duration longest) {
  CORACLE_CHECK(shortest <= longest, "a range must not be empty");
  const auto width =
      static_cast<std::uint64_t>(longest.count()) - static_cast<std::uint64_t>(shortest.count());
  const std::uint64_t offset = width + 1 == 0 ? next() : below(width + 1);
  return Duration(
      static_cast<Duration::rep>(static_cast<std::uint64_t>(shortest.count()) + offset));
}

bool Random::chance(double probability) {
  CORACLE_CHECK(probability >= 0 && probability <= 1, "a probability lies between 0 and 1");
  constexpr double kUnit = 0x1p-53;  // 53 bits: every double in [0, 1) on this grid is exact
  return static_cast<double>(next() >> 11U) * kUnit < probability;
}

}  // namespace coracle
