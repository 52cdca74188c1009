// How long many things took, to a hundredth, in little memory.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "runtime/time.h"

namespace coracle::bench::commit {

class Histogram {
 public:
  void add(Duration span) {
    ++counts_[slot_of(static_cast<std::uint64_t>(span.count()))];
    ++total_;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

  // Returns    in microseconds, what so large a part of all stayed below.
  [[nodiscard]] double percentile(double part) const {
    auto left = static_cast<std::uint64_t>(part * static_cast<double>(total_));
    for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
      if (counts_[slot] > left) return static_cast<double>(value_of(slot)) / 1000;
      left -= counts_[slot];
    }
    return 0;
  }

 private:
  // 64 slots for each power of two.
  static constexpr unsigned kBits = 6;
  static std::size_t slot_of(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value | 1U));
    if (width <= kBits) return value;
    const unsigned shift = width - kBits - 1;
    return (static_cast<std::size_t>(shift) << kBits) + (value >> shift);
  }
  static std::uint64_t value_of(std::size_t slot) {
    const std::size_t shift = slot >> kBits;
    if (shift <= 1) return slot;
    return ((slot & ((1U << kBits) - 1)) + (1U << kBits)) << (shift - 1);
  }

  std::array<std::uint64_t, std::size_t{64} << kBits> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace coracle::bench::commit
