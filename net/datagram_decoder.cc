#include "net/datagram_decoder.h"

namespace coracle::net {

bool DatagramDecoder::read(std::span<const std::byte> bytes, RpcMessage& message) {
  scanner_.reset();
  Malformation malformation;
  switch (scan_message(scanner_, bytes, message, malformation)) {
    case Decoded::message:
      if (scanner_.size() == bytes.size()) return true;
      malformation = {scanner_.size(), "a datagram holds one message, and nothing behind it"};
      break;
    case Decoded::incomplete: malformation = {bytes.size(), "it ends inside a message"}; break;
    case Decoded::malformed: break;
  }
  malformed_ = "byte " + std::to_string(malformation.offset) + " of the datagram: ";
  malformed_ += malformation.why;
  return false;
}

}  // namespace coracle::net
