#include "net/unpacker.h"

#include <bit>
#include <utility>

#include "runtime/check.h"

namespace coracle::net {
namespace {

std::string number_of(const ValueHead& integer) {
  return integer.negative ? std::to_string(static_cast<std::int64_t>(integer.number))
                          : std::to_string(integer.number);
}

std::string out_of_range(const std::string& lowest, const std::string& highest,
                         const ValueHead& head) {
  return "expected integer from " + lowest + " to " + highest + ", got " + number_of(head);
}

}  // namespace

bool Unpacker::take_nil() {
  if (failed_ || at_end() || values_[offset_] != std::byte{0xc0}) return false;
  ++offset_;
  return true;
}

bool Unpacker::expect(ValueType type) {
  ValueHead head;
  const std::size_t begin = offset_;
  if (!next(head, type)) return false;
  offset_ = begin;
  return true;
}

bool Unpacker::nil() {
  ValueHead head;
  return next(head, ValueType::nil);
}

bool Unpacker::boolean(bool& value) {
  ValueHead head;
  if (!next(head, ValueType::boolean)) return false;
  value = head.number != 0;
  return true;
}

bool Unpacker::integer(std::int64_t& value, std::int64_t lowest, std::int64_t highest) {
  ValueHead head;
  if (!next(head, ValueType::integer)) return false;
  const bool representable = head.negative || std::in_range<std::int64_t>(head.number);
  const auto number = static_cast<std::int64_t>(head.number);
  if (!representable || number < lowest || number > highest) {
    return fail(out_of_range(std::to_string(lowest), std::to_string(highest), head));
  }
  value = number;
  return true;
}

bool Unpacker::integer(std::uint64_t& value, std::uint64_t highest) {
  ValueHead head;
  if (!next(head, ValueType::integer)) return false;
  if (head.negative || head.number > highest) {
    return fail(out_of_range("0", std::to_string(highest), head));
  }
  value = head.number;
  return true;
}

bool Unpacker::real(double& value) {
  ValueHead head;
  if (!next(head)) return false;
  if (head.type == ValueType::real) {
    value = std::bit_cast<double>(head.number);
  } else if (head.type == ValueType::integer) {
    value = head.negative ? static_cast<double>(static_cast<std::int64_t>(head.number))
                          : static_cast<double>(head.number);
  } else {
    return fail("expected float, got " + std::string(name_of(head.type)));
  }
  return true;
}

bool Unpacker::string(std::string_view& value) {
  ValueHead head;
  std::span<const std::byte> payload;
  if (!next(head, ValueType::string) || !take_payload(head, payload)) return false;
  value = {reinterpret_cast<const char*>(payload.data()), payload.size()};
  return true;
}

bool Unpacker::bytes(std::span<const std::byte>& value) {
  ValueHead head;
  if (!next(head)) return false;
  if (head.type != ValueType::bytes && head.type != ValueType::string) {
    return fail("expected bytes, got " + std::string(name_of(head.type)));
  }
  return take_payload(head, value);
}

bool Unpacker::array(std::uint32_t& elements) {
  ValueHead head;
  if (!next(head, ValueType::array)) return false;
  elements = static_cast<std::uint32_t>(head.number);
  return true;
}

bool Unpacker::map(std::uint32_t& pairs) {
  ValueHead head;
  if (!next(head, ValueType::map)) return false;
  pairs = static_cast<std::uint32_t>(head.number);
  return true;
}

bool Unpacker::packed(std::span<const std::byte>& value) {
  const std::size_t begin = offset_;
  if (!skip()) return false;
  value = values_.subspan(begin, offset_ - begin);
  return true;
}

// No recursion, so that no depth of nesting is too much. The count cannot overflow: each of its
// steps up costs at least five bytes of buffer for at most 2^33 values.
bool Unpacker::skip(std::uint64_t values) {
  while (values > 0) {
    ValueHead head;
    std::span<const std::byte> payload;
    if (!next(head) || !take_payload(head, payload)) return false;
    values = values - 1 + head.children();
  }
  return true;
}

bool Unpacker::fail(std::string why) {
  if (failed_) return false;
  failed_ = true;
  error_ = std::move(why);
  return false;
}

bool Unpacker::fail_in(std::string_view where) {
  CORACLE_CHECK(failed_, "a place is added to a failure that was there before");
  error_.insert(0, ": ").insert(0, where);
  return false;
}

bool Unpacker::next(ValueHead& head) {
  if (failed_) return false;
  last_ = offset_;
  if (at_end()) return fail("expected a value, got nothing");
  switch (read_head(values_.subspan(offset_), head)) {
    case HeadStatus::cut: return fail("the last value is cut off");
    case HeadStatus::invalid: return fail("0xc1 begins no value");
    case HeadStatus::whole: break;
  }
  offset_ += head.head_bytes;
  return true;
}

bool Unpacker::next(ValueHead& head, ValueType expected) {
  if (!next(head)) return false;
  if (head.type == expected) return true;
  return fail("expected " + std::string(name_of(expected)) + ", got " +
              std::string(name_of(head.type)));
}

bool Unpacker::take_payload(const ValueHead& head, std::span<const std::byte>& payload) {
  if (head.payload_bytes() > values_.size() - offset_) return fail("the last value is cut off");
  payload = values_.subspan(offset_, static_cast<std::size_t>(head.payload_bytes()));
  offset_ += payload.size();
  return true;
}

}  // namespace coracle::net
