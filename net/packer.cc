#include "net/packer.h"

#include <bit>
#include <limits>
#include <msgpack.hpp>

#include "runtime/check.h"

namespace coracle::net {
namespace {

// The buffer, as msgpack-cxx writes to it.
struct Sink {
  std::vector<std::byte>* out;

  void write(const char* data, std::size_t size) {
    const auto* first = reinterpret_cast<const std::byte*>(data);
    out->insert(out->end(), first, first + size);
  }
};

template <typename Write>
void write_to(std::vector<std::byte>* out, Write write) {
  Sink sink{out};
  msgpack::packer<Sink> packer(sink);
  write(packer);
}

// Floats are written here, because msgpack-cxx turns a float without a fraction into an integer
// (-0.0 loses its sign, other languages see another type, and 2^64 is undefined behavior).
template <typename Bits>
void append_big_endian(std::vector<std::byte>& out, std::byte first, Bits bits) {
  out.push_back(first);
  for (int shift = std::numeric_limits<Bits>::digits - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(bits >> static_cast<unsigned>(shift)));
  }
}

std::uint32_t checked_length(std::size_t length) {
  CORACLE_CHECK(length <= std::numeric_limits<std::uint32_t>::max(),
                "MessagePack holds lengths below 2^32");
  return static_cast<std::uint32_t>(length);
}

}  // namespace

void Packer::nil() {
  write_to(out_, [](auto& packer) { packer.pack_nil(); });
}

void Packer::boolean(bool value) {
  write_to(out_, [&](auto& packer) { value ? packer.pack_true() : packer.pack_false(); });
}

void Packer::integer(std::int64_t value) {
  write_to(out_, [&](auto& packer) { packer.pack_int64(value); });
}

void Packer::integer(std::uint64_t value) {
  write_to(out_, [&](auto& packer) { packer.pack_uint64(value); });
}

void Packer::real(float value) {
  append_big_endian(*out_, std::byte{0xca}, std::bit_cast<std::uint32_t>(value));
}

void Packer::real(double value) {
  append_big_endian(*out_, std::byte{0xcb}, std::bit_cast<std::uint64_t>(value));
}

void Packer::string(std::string_view value) {
  const std::uint32_t length = checked_length(value.size());
  write_to(out_, [&](auto& packer) {
    packer.pack_str(length);
    packer.pack_str_body(value.data(), length);
  });
}

void Packer::bytes(std::span<const std::byte> value) {
  const std::uint32_t length = checked_length(value.size());
  write_to(out_, [&](auto& packer) { packer.pack_bin(length); });
  packed(value);
}

void Packer::array(std::size_t elements) {
  write_to(out_, [&](auto& packer) { packer.pack_array(checked_length(elements)); });
}

void Packer::map(std::size_t pairs) {
  write_to(out_, [&](auto& packer) { packer.pack_map(checked_length(pairs)); });
}

void Packer::packed(std::span<const std::byte> value) {
  out_->insert(out_->end(), value.begin(), value.end());
}

}  // namespace coracle::net
