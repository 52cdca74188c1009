// A queue in one block of memory that is used round and round. Mechanism of Channel.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace coracle {

// First in, first out. Grows by doubling, so that in steady state it allocates nothing.
template <class T>
class RingBuffer {
 public:
  RingBuffer() = default;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() {
    while (!empty()) pop_front();
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, mask_ + 1);
  }

  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }

  void push_back(T&& value) {
    if (slots_ == nullptr || size() > mask_) [[unlikely]]
      grow();
    std::construct_at(slots_ + (end_ & mask_), std::move(value));
    ++end_;
  }

  //   Requires   that it is not empty.
  [[nodiscard]] T& front() { return slots_[begin_ & mask_]; }
  void pop_front() { std::destroy_at(slots_ + (begin_++ & mask_)); }

 private:
  void grow() {
    const std::size_t count = size();
    const std::size_t capacity = slots_ == nullptr ? 1 : 2 * (mask_ + 1);
    T* grown = std::allocator<T>().allocate(capacity);
    for (std::size_t i = 0; i < count; ++i) {
      std::construct_at(grown + i, std::move(front()));
      pop_front();
    }
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, mask_ + 1);
    slots_ = grown;
    mask_ = capacity - 1;
    begin_ = 0;
    end_ = count;
  }

  T* slots_ = nullptr;
  std::size_t mask_ = 0;   // the number of slots, a power of two, less one
  std::size_t begin_ = 0;  // both count up for ever; their low bits are the slot
  std::size_t end_ = 0;
};

}  // namespace coracle
