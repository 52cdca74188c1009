// The messages that arrive on a stream, one after the other.
#pragma once

#include <string>

#include "net/message_decoder.h"
#include "net/rpc_link.h"
#include "net/stream.h"
#include "runtime/task.h"

namespace coracle::net {

class MessageReader {
 public:
  //   Borrows    `stream` as long as it is used.
  MessageReader(Stream& stream, MessageLimits limits) : stream_(&stream), decoder_(limits) {}

  // Waits for the next message.
  //   Returns    message, and `message` is valid until the next call; end or malformed.
  //   Throws     Error when the connection broke.
  //   Canceled   loses nothing: the next call goes on where it was.
  //   Borrows    `message` until it returns.
  [[nodiscard]] Task<Received> next(RpcMessage& message);

  [[nodiscard]] const std::string& malformed() const {
    return cut_.empty() ? decoder_.malformed() : cut_;
  }

 private:
  Stream* stream_;
  MessageDecoder decoder_;
  std::string cut_;
};

}  // namespace coracle::net
