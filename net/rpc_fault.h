// What a response's error holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/packer.h"
#include "runtime/error.h"

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
inline constexpr std::string_view kTooLarge = "too_large";    // the result exceeds a message

// A call failed because its server said so. The same type on both sides: a method throws it to
// answer with a code of its own, and the caller's `co_await client.call(...)` throws it again.
//
//   throw net::RpcError("not_leader", "ask 10.0.0.7:7000");
class RpcError final : public Error {
 public:
  RpcError(std::string code, std::string text) : RpcError(RpcFault{code, text}, "") {}
  // The same with the call that failed, for what(): "call `vote` of 10.0.0.7:7000".
  RpcError(RpcFault fault, std::string_view call);

  [[nodiscard]] const RpcFault& fault() const { return fault_; }
  // Reads "call `vote` of 10.0.0.7:7000: not_leader: ask 10.0.0.7:7001".
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

 private:
  RpcFault fault_;
  std::string what_;
};

// Appends the response to a call that failed.
void pack_fault(Packer& out, std::uint32_t id, std::string_view code, std::string_view text);

// Reads the error of a response, whatever server it came from: [code, text] with a string or an
// integer as code, a lone string as text without code, and anything else described as text.
[[nodiscard]] RpcFault parse_fault(std::span<const std::byte> error);

}  // namespace coracle::net
