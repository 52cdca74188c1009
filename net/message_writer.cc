#include "net/message_writer.h"

namespace coracle::net {

Task<> MessageWriter::write(std::span<const std::byte> message) {
  co_await gathered_.write(message);
  const bool peer_is_slow = stream_.unsent_bytes() > 0;
  if (!peer_is_slow) {
    if (is_sent_soon_) co_return;
    is_sent_soon_ = true;
    co_await LastTurn();
    is_sent_soon_ = false;
  }
  co_await gathered_.flush();
}

}  // namespace coracle::net
