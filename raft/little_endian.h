// Integers as they stand in files, whatever machine reads them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coracle::raft {

//   Requires   room for it from `offset` on.
template <std::unsigned_integral Value>
void put_little_endian(std::span<std::byte> out, std::size_t offset, Value value) {
  for (std::size_t i = 0; i < sizeof(Value); ++i) {
    out[offset + i] = static_cast<std::byte>(std::uint64_t{value} >> (8 * i) & 0xFFU);
  }
}

//   Requires   as many bytes from `offset` on.
template <std::unsigned_integral Value>
[[nodiscard]] Value get_little_endian(std::span<const std::byte> in, std::size_t offset) {
  Value value = 0;
  for (std::size_t i = sizeof(Value); i-- > 0;) {
    value = static_cast<Value>(value << 8U | std::to_integer<Value>(in[offset + i]));
  }
  return value;
}

}  // namespace coracle::raft
