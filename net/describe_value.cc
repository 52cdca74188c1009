#include "net/describe_value.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "net/value_head.h"

namespace coracle::net {
namespace {

std::string describe_real(double value) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
  return {std::begin(text), end};
}

// Each level of nesting adds a bracket to the text, so its limit bounds the recursion too.
class Describer {
 public:
  Describer(std::span<const std::byte> rest, std::size_t text_bytes_max)
      : rest_(rest), text_bytes_max_(text_bytes_max) {}

  std::string describe() {
    append_value();
    return cut();
  }

  std::string quote() {
    append_string(rest_);
    return cut();
  }

 private:
  std::string cut() {
    if (full()) text_.replace(text_bytes_max_, std::string::npos, "...");
    return std::move(text_);
  }

  [[nodiscard]] bool full() const { return text_.size() > text_bytes_max_; }

  void append_value() {
    ValueHead head;
    if (full()) return;
    if (read_head(rest_, head) != HeadStatus::whole) return stop();
    rest_ = rest_.subspan(head.head_bytes);
    if (head.payload_bytes() > rest_.size()) return stop();
    const auto payload = rest_.first(static_cast<std::size_t>(head.payload_bytes()));
    rest_ = rest_.subspan(payload.size());
    switch (head.type) {
      case ValueType::nil: text_ += "nil"; break;
      case ValueType::boolean: text_ += head.number != 0 ? "true" : "false"; break;
      case ValueType::integer:
        text_ += head.negative ? std::to_string(static_cast<std::int64_t>(head.number))
                               : std::to_string(head.number);
        break;
      case ValueType::real: text_ += describe_real(std::bit_cast<double>(head.number)); break;
      case ValueType::string: append_string(payload); break;
      case ValueType::bytes:
      case ValueType::extension: text_.append("<").append(head.describe()).append(">"); break;
      case ValueType::array: append_array(head.number); break;
      case ValueType::map: append_map(head.number); break;
    }
  }

  // Control characters are escaped, so that a peer cannot forge log lines.
  void append_string(std::span<const std::byte> payload) {
    constexpr char kDigits[] = "0123456789abcdef";
    text_ += '"';
    for (const std::byte byte : payload) {
      if (full()) return;
      const auto number = std::to_integer<unsigned char>(byte);
      if (number < 0x20 || number == 0x7f) {
        text_.append("\\x").append(1, kDigits[number >> 4U]).append(1, kDigits[number & 15U]);
      } else {
        if (number == '"' || number == '\\') text_ += '\\';
        text_ += static_cast<char>(number);
      }
    }
    text_ += '"';
  }

  void append_array(std::uint64_t elements) {
    text_ += '[';
    for (std::uint64_t i = 0; i < elements && !full(); ++i) {
      if (i > 0) text_ += ", ";
      append_value();
    }
    text_ += ']';
  }

  void append_map(std::uint64_t pairs) {
    text_ += '{';
    for (std::uint64_t i = 0; i < pairs && !full(); ++i) {
      if (i > 0) text_ += ", ";
      append_value();
      text_ += ": ";
      append_value();
    }
    text_ += '}';
  }

  void stop() {
    text_ += '?';
    rest_ = {};
  }

  std::span<const std::byte> rest_;
  std::size_t text_bytes_max_;
  std::string text_;
};

}  // namespace

std::string describe_value(std::span<const std::byte> value, std::size_t text_bytes_max) {
  return Describer(value, text_bytes_max).describe();
}

std::string quoted(std::string_view text, std::size_t text_bytes_max) {
  return Describer(std::as_bytes(std::span(text)), text_bytes_max).quote();
}

}  // namespace coracle::net
