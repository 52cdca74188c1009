// MessagePack values as text, for log lines and messages to people.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace coracle::net {

// Returns the value in a form close to JSON, at most about `text_bytes_max` long and cut with
// `...` beyond; bytes and extensions only as their length; `?` where it is not well formed.
[[nodiscard]] std::string describe_value(std::span<const std::byte> value,
                                         std::size_t text_bytes_max = 200);

// Returns a peer's text in quotation marks, fit for a log line: control characters are escaped, and
// it is cut like a value.
[[nodiscard]] std::string quoted(std::string_view text, std::size_t text_bytes_max = 200);

}  // namespace coracle::net
