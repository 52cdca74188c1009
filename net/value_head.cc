#include "net/value_head.h"

#include <array>
#include <bit>

namespace coracle::net {
namespace {

// What the bytes from 0xc0 to 0xdf begin: a type, a number of so many bytes, and what is special.
struct Form {
  enum class Twist : std::uint8_t {
    none,
    invalid,
    yes,         // the number is 1
    sign,        // the number's first bit is its sign
    float_bits,  // the number is a floating-point number
    typed,       // a byte of the extension's own type follows
    fixed,       // so it does, and the width is the payload's
  };
  ValueType type;
  std::uint8_t width = 0;
  Twist twist = Twist::none;
};
using enum ValueType;
using enum Form::Twist;

constexpr std::array<Form, 32> kForms{{
    {nil},
    {nil, 0, invalid},
    {boolean},
    {boolean, 0, yes},
    {bytes, 1},
    {bytes, 2},
    {bytes, 4},
    {extension, 1, typed},
    {extension, 2, typed},
    {extension, 4, typed},
    {real, 4, float_bits},
    {real, 8, float_bits},
    {integer, 1},
    {integer, 2},
    {integer, 4},
    {integer, 8},
    {integer, 1, sign},
    {integer, 2, sign},
    {integer, 4, sign},
    {integer, 8, sign},
    {extension, 1, fixed},
    {extension, 2, fixed},
    {extension, 4, fixed},
    {extension, 8, fixed},
    {extension, 16, fixed},
    {string, 1},
    {string, 2},
    {string, 4},
    {array, 2},
    {array, 4},
    {map, 2},
    {map, 4},
}};

// Returns the number in the `width` bytes (0, 1, 2, 4, 8) from `bytes` on, the highest first.
std::uint64_t read_big_endian(const std::byte* bytes, std::uint8_t width) {
  std::uint64_t number = 0;
  switch (width) {
    case 8:
      for (int i = 0; i < 8; ++i) number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
      return number;
    case 4:
      for (int i = 0; i < 4; ++i) number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
      return number;
    case 2:
      number = std::to_integer<std::uint64_t>(bytes[0]) << 8;
      ++bytes;
      [[fallthrough]];
    case 1: return number | std::to_integer<std::uint64_t>(bytes[0]);
    default: return 0;
  }
}

void set(ValueHead& head, ValueType type, std::uint64_t number, std::uint8_t head_bytes) {
  head.type = type;
  head.number = number;
  head.negative = false;
  head.head_bytes = head_bytes;
}

void read_sign(ValueHead& head, std::uint8_t width) {
  const int unused_bits = 64 - 8 * width;
  const auto value = static_cast<std::int64_t>(head.number << unused_bits) >> unused_bits;
  head.number = static_cast<std::uint64_t>(value);
  head.negative = value < 0;
}

void widen_float(ValueHead& head, std::uint8_t width) {
  if (width == 8) return;
  const double widened = std::bit_cast<float>(static_cast<std::uint32_t>(head.number));
  head.number = std::bit_cast<std::uint64_t>(widened);
}

HeadStatus read_form(std::span<const std::byte> bytes, Form form, ValueHead& head) {
  const auto number_bytes = form.twist == fixed ? std::uint8_t{0} : form.width;
  const bool own_type = form.twist == fixed || form.twist == typed;
  const auto head_bytes = static_cast<std::uint8_t>(1 + number_bytes + (own_type ? 1 : 0));
  if (bytes.size() < head_bytes) return HeadStatus::cut;
  set(head, form.type, read_big_endian(bytes.data() + 1, number_bytes), head_bytes);
  switch (form.twist) {
    case none:
    case typed: break;
    case invalid: return HeadStatus::invalid;
    case yes: head.number = 1; break;
    case sign: read_sign(head, form.width); break;
    case float_bits: widen_float(head, form.width); break;
    case fixed: head.number = form.width; break;
  }
  return HeadStatus::whole;
}

}  // namespace

std::string_view name_of(ValueType type) {
  switch (type) {
    case ValueType::nil: return "nil";
    case ValueType::boolean: return "boolean";
    case ValueType::integer: return "integer";
    case ValueType::real: return "float";
    case ValueType::string: return "string";
    case ValueType::bytes: return "bytes";
    case ValueType::array: return "array";
    case ValueType::map: return "map";
    case ValueType::extension: return "extension";
  }
  return "nothing";
}

std::string ValueHead::describe() const {
  std::string text(name_of(type));
  const char* unit = nullptr;
  if (type == ValueType::array) unit = number == 1 ? " element" : " elements";
  if (type == ValueType::map) unit = number == 1 ? " pair" : " pairs";
  if (type == ValueType::string || type == ValueType::extension) {
    unit = number == 1 ? " byte" : " bytes";
  }
  if (type == ValueType::bytes) return std::to_string(number) + (number == 1 ? " byte" : " bytes");
  if (unit != nullptr) text.append(" of ").append(std::to_string(number)).append(unit);
  return text;
}

HeadStatus read_head(std::span<const std::byte> bytes, ValueHead& head) {
  if (bytes.empty()) return HeadStatus::cut;
  const auto first = std::to_integer<std::uint8_t>(bytes.front());
  if (first <= 0x7f) {
    set(head, integer, first, 1);
  } else if (first >= 0xe0) {
    set(head, integer, first, 1);
    read_sign(head, 1);
  } else if (first >= 0xc0) {
    return read_form(bytes, kForms[first - 0xc0], head);
  } else if (first >= 0xa0) {
    set(head, string, first & 0x1fU, 1);
  } else {
    set(head, first >= 0x90 ? array : map, first & 0x0fU, 1);
  }
  return HeadStatus::whole;
}

}  // namespace coracle::net
