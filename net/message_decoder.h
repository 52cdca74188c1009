// Messages of MessagePack-RPC out of a stream of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/message_frame.h"
#include "net/message_limits.h"
#include "net/rpc_message.h"
#include "net/value_scanner.h"

namespace coracle::net {

// Bytes go in as they arrive, in pieces of any size; whole messages come out, as views of the
// buffer they arrived in: nothing is copied, and steady traffic allocates nothing. The buffer
// grows only with bytes that have arrived, never beyond one message and one read, and shrinks
// again after a big message. Typical use:
//
//   RpcMessage message;
//   for (;;) {
//     switch (decoder.next(message)) {
//       case Decoded::message: handle(message); break;
//       case Decoded::malformed: close(decoder.malformed()); return;
//       case Decoded::incomplete: decoder.received(read_into(decoder.space())); break;
//     }
//   }
class MessageDecoder {
 public:
  explicit MessageDecoder(MessageLimits limits = {}) : limits_(limits), scanner_(limits) {}

  // Returns where the next bytes go, at least `bytes_min` of room. Ends the life of all messages
  // that came out before.
  //   Requires   that next() has returned `incomplete` for what has arrived, or the buffer grows
  //              beyond its bound.
  [[nodiscard]] std::span<std::byte> space(std::size_t bytes_min = kReadBytesMin);
  // Takes in the first `bytes` of what space() returned.
  void received(std::size_t bytes);
  // The same by copying; for bytes that are in another buffer already.
  void receive(std::span<const std::byte> bytes);

  // Takes out the next message.
  //   Returns    message, and `message` is valid until the next space() or receive(); incomplete;
  //              or malformed, and the stream cannot be followed any more: malformed() says why.
  [[nodiscard]] Decoded next(RpcMessage& message);

  // Returns whether the bytes so far end inside a message: a stream that ends now was cut.
  [[nodiscard]] bool inside_message() const { return begin_ != end_; }
  // Returns what is wrong, with its place: "byte 17 of the stream: 0xc1 begins no value".
  [[nodiscard]] const std::string& malformed() const { return malformed_; }
  // Returns how many bytes the buffer takes up.
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  static constexpr std::size_t kReadBytesMin = 2048;

 private:
  void start_over();
  void move_to(std::size_t capacity);

  MessageLimits limits_;
  ValueScanner scanner_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;          // the first byte that no message has taken
  std::size_t end_ = 0;            // the end of what has arrived
  std::uint64_t stream_base_ = 0;  // the place of buffer_[0] in the stream
  std::size_t largest_ = 0;        // the most that was in use since the last look at it
  std::uint32_t messages_ = 0;     // how many came out since then
  std::string malformed_;
};

}  // namespace coracle::net
