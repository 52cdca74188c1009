#include "net/message_decoder.h"

#include <algorithm>
#include <cstring>

#include "runtime/check.h"

namespace coracle::net {
namespace {

constexpr std::size_t kFirstCapacity = 4096;
// More than this is given back as soon as it is empty, so that idle peers hold no megabytes.
constexpr std::size_t kKeptCapacity = std::size_t{1} << 20;
// Less, when so many messages have left three quarters of it unused.
constexpr std::uint32_t kQuietMessages = 256;

}  // namespace

std::span<std::byte> MessageDecoder::space(std::size_t bytes_min) {
  if (begin_ == end_) start_over();
  if (capacity_ - end_ < bytes_min) {
    const std::size_t needed = end_ - begin_ + bytes_min;
    if (needed <= capacity_ / 2) {
      move_to(capacity_);  // at least half of the capacity arrives until the next such move
    } else {
      const std::size_t doubled = std::min(2 * capacity_, limits_.message_bytes_max + bytes_min);
      move_to(std::max({needed, doubled, kFirstCapacity}));
    }
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void MessageDecoder::received(std::size_t bytes) {
  CORACLE_CHECK(bytes <= capacity_ - end_, "no more arrives than there is space for");
  end_ += bytes;
  largest_ = std::max(largest_, end_);
}

void MessageDecoder::receive(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(space(bytes.size()).data(), bytes.data(), bytes.size());
  received(bytes.size());
}

Decoded MessageDecoder::next(RpcMessage& message) {
  if (!malformed_.empty()) return Decoded::malformed;
  const std::span<const std::byte> unread(buffer_.get() + begin_, end_ - begin_);
  Malformation malformation;
  const Decoded decoded = scan_message(scanner_, unread, message, malformation);
  if (decoded == Decoded::malformed) {
    const std::uint64_t place = stream_base_ + begin_ + malformation.offset;
    malformed_ = "byte " + std::to_string(place) + " of the stream: " + malformation.why;
  }
  if (decoded != Decoded::message) return decoded;
  begin_ += scanner_.size();
  scanner_.reset();
  ++messages_;
  return decoded;
}

void MessageDecoder::move_to(std::size_t capacity) {
  const std::size_t unread = end_ - begin_;
  if (capacity == capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  } else {
    auto buffer = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (unread > 0) std::memcpy(buffer.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(buffer);
    capacity_ = capacity;
  }
  stream_base_ += begin_;
  begin_ = 0;
  end_ = unread;
}

// All has been taken out, so the buffer may be another one.
void MessageDecoder::start_over() {
  stream_base_ += begin_;
  begin_ = end_ = 0;
  if (capacity_ > kKeptCapacity) {
    move_to(kFirstCapacity);
  } else if (messages_ >= kQuietMessages) {
    if (largest_ < capacity_ / 4) move_to(std::max(2 * largest_, kFirstCapacity));
    messages_ = 0;
    largest_ = 0;
  }
}

}  // namespace coracle::net
