#include "net/datagram.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::net {

DatagramBatch::DatagramBatch(std::size_t capacity, std::size_t bytes_each)
    : memory_(std::make_unique_for_overwrite<std::byte[]>(capacity * bytes_each)),
      slots_(capacity) {
  CORACLE_CHECK(capacity > 0, "a batch has room for a datagram");
  for (std::size_t i = 0; i < capacity; ++i) {
    slots_[i].space = {memory_.get() + i * bytes_each, bytes_each};
  }
}

DatagramSlot& DatagramBatch::slot(std::size_t index) {
  CORACLE_CHECK(index < size_, "the batch has this datagram");
  return slots_[index];
}

const DatagramSlot& DatagramBatch::slot(std::size_t index) const {
  CORACLE_CHECK(index < size_, "the batch has this datagram");
  return slots_[index];
}

std::span<std::byte> DatagramBatch::bytes(std::size_t index) {
  return slot(index).space.first(slot(index).bytes);
}

std::span<const std::byte> DatagramBatch::bytes(std::size_t index) const {
  return slot(index).space.first(slot(index).bytes);
}

bool DatagramBatch::truncated(std::size_t index) const {
  return slot(index).datagram_bytes > slot(index).bytes;
}

bool DatagramBatch::add(std::span<const std::byte> bytes, const Address& to) {
  if (size_ == slots_.size()) return false;
  ++size_;
  resize(size_ - 1, bytes.size());
  std::ranges::copy(bytes, slots_[size_ - 1].space.begin());
  slots_[size_ - 1].address = to;
  return true;
}

void DatagramBatch::resize(std::size_t index, std::size_t bytes) {
  DatagramSlot& place = slot(index);
  CORACLE_CHECK(bytes <= place.space.size(), "a datagram fits into its place");
  place.bytes = bytes;
  place.datagram_bytes = bytes;
  place.error = 0;
}

}  // namespace coracle::net
