// The one message of MessagePack-RPC that a datagram carries.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "net/message_frame.h"
#include "net/message_limits.h"
#include "net/value_scanner.h"

namespace coracle::net {

class DatagramDecoder {
 public:
  explicit DatagramDecoder(MessageLimits limits) : scanner_(limits) {}

  // Reads a whole datagram: one message, and nothing behind it.
  //   Returns    true, and `message` is valid as long as `bytes` are; or false, and malformed()
  //              says why.
  [[nodiscard]] bool read(std::span<const std::byte> bytes, RpcMessage& message);

  // Returns what was wrong with the last one: "byte 17 of the datagram: 0xc1 begins no value".
  [[nodiscard]] const std::string& malformed() const { return malformed_; }

 private:
  ValueScanner scanner_;
  std::string malformed_;
};

}  // namespace coracle::net
