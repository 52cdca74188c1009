#include "net/sim/byte_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::sim {

void ByteQueue::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (size() + bytes.size() > capacity_) grow(size() + bytes.size());
  const std::size_t place = end_ & (capacity_ - 1);
  const std::size_t first = std::min(bytes.size(), capacity_ - place);
  std::memcpy(storage_.get() + place, bytes.data(), first);
  std::memcpy(storage_.get(), bytes.data() + first, bytes.size() - first);
  end_ += bytes.size();
}

void ByteQueue::take(std::span<std::byte> into) {
  CORACLE_CHECK(into.size() <= size(), "no more bytes are taken than there are");
  if (into.empty()) return;
  copy_out(into);
  begin_ += into.size();
}

void ByteQueue::copy_out(std::span<std::byte> into) const {
  const std::size_t place = begin_ & (capacity_ - 1);
  const std::size_t first = std::min(into.size(), capacity_ - place);
  std::memcpy(into.data(), storage_.get() + place, first);
  std::memcpy(into.data() + first, storage_.get(), into.size() - first);
}

void ByteQueue::grow(std::size_t capacity) {
  constexpr std::size_t kLeast = 256;
  const std::size_t grown = std::bit_ceil(std::max(capacity, kLeast));
  auto storage = std::make_unique_for_overwrite<std::byte[]>(grown);
  const std::size_t held = size();
  if (held > 0) copy_out({storage.get(), held});
  storage_ = std::move(storage);
  capacity_ = grown;
  begin_ = 0;
  end_ = held;
}

}  // namespace coracle::net::sim
