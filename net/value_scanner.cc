#include "net/value_scanner.h"

#include <utility>

namespace coracle::net {
namespace {

std::string hex(std::byte byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto number = std::to_integer<unsigned>(byte);
  return {'0', 'x', kDigits[number >> 4U], kDigits[number & 15U]};
}

}  // namespace

ValueScanner::Status ValueScanner::scan(std::span<const std::byte> bytes) {
  while (due_ > 0) {
    if (position_ >= bytes.size()) return Status::cut;
    ValueHead head;
    switch (read_head(bytes.subspan(position_), head)) {
      case HeadStatus::cut: return Status::cut;
      case HeadStatus::invalid: return refuse(hex(bytes[position_]) + " begins no value");
      case HeadStatus::whole: break;
    }
    if (!accept(head)) return Status::refused;
  }
  return position_ <= bytes.size() ? Status::whole : Status::cut;
}

bool ValueScanner::accept(const ValueHead& head) {
  const std::uint64_t children = head.children();
  const std::uint64_t end = position_ + head.head_bytes + head.payload_bytes();
  if (end + (due_ - 1) + children > limits_.message_bytes_max) {
    refuse("no room for this " + head.describe() + " in a message of at most " +
           std::to_string(limits_.message_bytes_max) + " bytes");
    return false;
  }
  const bool container = head.type == ValueType::array || head.type == ValueType::map;
  if (container && open_.size() >= limits_.nesting_max) {
    refuse("nested deeper than " + std::to_string(limits_.nesting_max));
    return false;
  }
  position_ = static_cast<std::size_t>(end);
  due_ = static_cast<std::size_t>(due_ - 1 + children);
  if (children > 0) {
    open_.push_back(children);
  } else {
    close_full_containers();
  }
  return true;
}

// A value without children has been read: it is the last of each container that it fills.
void ValueScanner::close_full_containers() {
  while (!open_.empty() && --open_.back() == 0) open_.pop_back();
}

ValueScanner::Status ValueScanner::refuse(std::string why) {
  refusal_ = std::move(why);
  return Status::refused;
}

void ValueScanner::reset() {
  position_ = 0;
  due_ = 1;
  open_.clear();
  refusal_.clear();
}

}  // namespace coracle::net
