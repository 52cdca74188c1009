#include "net/message_frame.h"

#include "net/value_head.h"

namespace coracle::net {
namespace {

// Another protocol is told at its first byte, not after a megabyte of it.
bool begins_well(std::span<const std::byte> bytes, Malformation& malformation) {
  ValueHead head;
  if (read_head(bytes, head) != HeadStatus::whole) return true;  // the scanner will say
  if (head.type == ValueType::array && (head.number == 3 || head.number == 4)) return true;
  malformation = {0, "a message is an array of 3 or 4 elements, got " + head.describe()};
  return false;
}

}  // namespace

Decoded scan_message(ValueScanner& scanner, std::span<const std::byte> bytes, RpcMessage& message,
                     Malformation& malformation) {
  if (bytes.empty()) return Decoded::incomplete;
  if (!begins_well(bytes, malformation)) return Decoded::malformed;
  switch (scanner.scan(bytes)) {
    case ValueScanner::Status::cut: return Decoded::incomplete;
    case ValueScanner::Status::refused:
      malformation = {scanner.refused_at(), scanner.refusal()};
      return Decoded::malformed;
    case ValueScanner::Status::whole: break;
  }
  Unpacker in(bytes.first(scanner.size()));
  if (unpack_message(in, message)) return Decoded::message;
  malformation = {in.failed_at(), std::string(in.error())};
  return Decoded::malformed;
}

}  // namespace coracle::net
