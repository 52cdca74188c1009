#include "net/message_reader.h"

namespace coracle::net {

Task<Received> MessageReader::next(RpcMessage& message) {
  for (;;) {
    switch (decoder_.next(message)) {
      case Decoded::message: co_return Received::message;
      case Decoded::malformed: co_return Received::malformed;
      case Decoded::incomplete: break;
    }
    const std::size_t bytes = co_await stream_->read(decoder_.space());
    if (bytes == 0) {
      if (!decoder_.inside_message()) co_return Received::end;
      cut_ = "the stream ended inside a message";
      co_return Received::malformed;
    }
    decoder_.received(bytes);
  }
}

}  // namespace coracle::net
