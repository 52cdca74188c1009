// How often something that others can do to us for ever goes into the log.
#pragma once

#include <bit>
#include <cstdint>

namespace coracle::net {

// Counts, and lets the 1st, 2nd, 4th, 8th ... be written.
class RareLines {
 public:
  //   Returns    the count where it is to be written, else 0.
  [[nodiscard]] std::uint64_t count() { return std::has_single_bit(++count_) ? count_ : 0; }

 private:
  std::uint64_t count_ = 0;
};

}  // namespace coracle::net
