// Byte strings in tests.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/codec.h"

namespace coracle::net {

// Returns the bytes that hexadecimal digits stand for; spaces are for the reader.
inline std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    const auto number = std::to_integer<unsigned>(byte);
    hex += {kDigits[number >> 4U], kDigits[number & 15U]};
  }
  return hex;
}

template <typename T>
std::vector<std::byte> packed(const T& value) {
  std::vector<std::byte> bytes;
  Packer out(bytes);
  pack_value(out, value);
  return bytes;
}

// Returns why `bytes` are no T; empty when they are, and `value` is set.
template <typename T>
std::string unpacking_error(std::span<const std::byte> bytes, T& value) {
  Unpacker in(bytes);
  if (!unpack_value(in, value)) return in.error();
  return in.at_end() ? "" : "more values follow";
}

template <typename T>
std::string unpacking_error(std::span<const std::byte> bytes) {
  T value{};
  return unpacking_error(bytes, value);
}

}  // namespace coracle::net
