// What a response's error holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/packer.h"

namespace coracle::net {

// Why a call failed, as the server told it. On the wire an array of two strings, [code, text]:
// programs look at the code, people read the text. A service may have codes of its own.
struct RpcFault {
  std::string code;
  std::string text;
  friend bool operator==(const RpcFault&, const RpcFault&) = default;
};

inline constexpr std::string_view kUnknownMethod = "unknown_method";  // the server has no such one
inline constexpr std::string_view kBadParams = "bad_params";  // too few, too many, a wrong type
inline constexpr std::string_view kFailed = "failed";         // the method failed
inline constexpr std::string_view kOverloaded = "overloaded";  // too many calls at once
inline constexpr std::string_view kTooLarge = "too_large";     // the result exceeds a message

// Appends the response to a call that failed.
void pack_fault(Packer& out, std::uint32_t id, std::string_view code, std::string_view text);

// Reads the error of a response, whatever server it came from: [code, text] with a string or an
// integer as code, a lone string as text without code, and anything else described as text.
[[nodiscard]] RpcFault parse_fault(std::span<const std::byte> error);

}  // namespace coracle::net
