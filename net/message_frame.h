// One message at the beginning of some bytes. Mechanism behind the decoders of streams and of
// datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "net/rpc_message.h"
#include "net/value_scanner.h"

namespace coracle::net {

enum class Decoded : std::uint8_t {
  message,
  incomplete,  // more bytes are needed
  malformed,   // they are no MessagePack-RPC
};

// What is wrong with bytes that are no message, and at which of them.
struct Malformation {
  std::size_t offset = 0;
  std::string why;
};

// Looks at the message that begins at the first of `bytes`, its bytes so far; not at any byte
// twice, if `scanner` has seen those before.
//   Returns    message, which is `scanner.size()` bytes long, in `message`; incomplete, also for no
//              bytes at all; or malformed, and why in `malformation`.
[[nodiscard]] Decoded scan_message(ValueScanner& scanner, std::span<const std::byte> bytes,
                                   RpcMessage& message, Malformation& malformation);

}  // namespace coracle::net
