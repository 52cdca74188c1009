// Writes MessagePack values into a byte buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace coracle::net {

// Appends values to a buffer that the caller keeps (and may reuse, so that steady traffic
// allocates nothing). Each value takes the shortest form that MessagePack has for it.
class Packer {
 public:
  //   Borrows    `out` as long as it is used.
  explicit Packer(std::vector<std::byte>& out) : out_(&out) {}

  void nil();
  void boolean(bool value);
  void integer(std::int64_t value);
  void integer(std::uint64_t value);
  void real(float value);
  void real(double value);

  // Appends a string (MessagePack's str), which should be UTF-8; this is not checked.
  //   Requires   fewer than 2^32 bytes; so for bytes().
  void string(std::string_view value);
  // Appends bytes (MessagePack's bin).
  void bytes(std::span<const std::byte> value);

  // Begins an array: the caller appends `elements` values next.
  //   Requires   fewer than 2^32 elements; so for map().
  void array(std::size_t elements);
  // Begins a map: the caller appends `pairs` times a key and a value next.
  void map(std::size_t pairs);

  // Appends one value that is already packed.
  //   Requires   exactly one well-formed value.
  void packed(std::span<const std::byte> value);

 private:
  std::vector<std::byte>* out_;
};

}  // namespace coracle::net
