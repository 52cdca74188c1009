// The first bytes of a MessagePack value: what it is, and how much belongs to it.
//
// Reading is our own, because the decoder must see a declared length before its bytes arrive, must
// stop and go on between any two bytes, and must not allocate per value. msgpack-cxx's parser
// shows a length only with its payload, and allocates for each value it is started on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coracle::net {

enum class ValueType : std::uint8_t {
  nil,
  boolean,
  integer,
  real,
  string,
  bytes,
  array,
  map,
  extension,
};

// Returns the word for messages to people: "integer", "string", "float" for `real`.
[[nodiscard]] std::string_view name_of(ValueType type);

// One decoded head. `number` means, by type:
//   boolean                    0 or 1
//   integer                    its 64 bits; two's complement where `negative`
//   real                       the bits of the double (a 32-bit float is widened)
//   string, bytes, extension   payload bytes that follow the head (an extension's own type byte
//                              belongs to the head)
//   array, map                 elements, or pairs, that follow the head
struct ValueHead {
  ValueType type = ValueType::nil;
  bool negative = false;
  std::uint8_t head_bytes = 0;
  std::uint64_t number = 0;

  // Returns how many bytes follow the head that are not values of their own.
  [[nodiscard]] std::uint64_t payload_bytes() const {
    const bool has_payload =
        type == ValueType::string || type == ValueType::bytes || type == ValueType::extension;
    return has_payload ? number : 0;
  }
  // Returns how many values follow as this one's parts; a pair of a map counts as two.
  [[nodiscard]] std::uint64_t children() const {
    if (type == ValueType::array) return number;
    return type == ValueType::map ? 2 * number : 0;
  }
  // Returns what a person is told about it: "string of 5 bytes", "array of 3 elements", "integer".
  [[nodiscard]] std::string describe() const;
};

enum class HeadStatus : std::uint8_t {
  whole,
  cut,      // more bytes are needed
  invalid,  // 0xc1, the one byte that begins no value
};

// Reads the head that begins at the first of `bytes`.
//   Returns    whole, and `head` is set; or why not.
[[nodiscard]] HeadStatus read_head(std::span<const std::byte> bytes, ValueHead& head);

}  // namespace coracle::net
