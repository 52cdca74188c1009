// The bytes of one direction of a simulated connection. Mechanism.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace coracle::net::sim {

// First in, first out, in one block of memory that is used round and round. Grows by doubling, so
// that in steady state it allocates nothing.
class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }

  void append(std::span<const std::byte> bytes);

  // Moves the first bytes of it into the beginning of `into`.
  //   Requires   into.size() <= size().
  void take(std::span<std::byte> into);

 private:
  void grow(std::size_t capacity);
  void copy_out(std::span<std::byte> into) const;

  std::unique_ptr<std::byte[]> storage_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t begin_ = 0;     // both count up for ever; their low bits are the place
  std::size_t end_ = 0;
};

}  // namespace coracle::net::sim
