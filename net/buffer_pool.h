// Byte buffers that are used again, so that steady traffic allocates nothing.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace coracle::net {

class PooledBuffer;

// Belongs to one loop, and outlives its buffers.
class BufferPool {
 public:
  // Returns an empty buffer, with room where one was given back.
  [[nodiscard]] PooledBuffer take();

 private:
  friend class PooledBuffer;

  static constexpr std::size_t kFirstBytes = 256;  // few messages are longer
  static constexpr std::size_t kBuffersMax = 16;
  static constexpr std::size_t kBufferBytesMax = std::size_t{64} << 10;

  void give_back(std::vector<std::byte> bytes) {
    if (spare_.size() >= kBuffersMax || bytes.capacity() > kBufferBytesMax) return;
    bytes.clear();
    spare_.push_back(std::move(bytes));
  }

  std::vector<std::vector<std::byte>> spare_;
};

// A buffer on loan from a pool. Movable.
class PooledBuffer {
 public:
  PooledBuffer(BufferPool& pool, std::vector<std::byte> bytes)
      : pool_(&pool), bytes_(std::move(bytes)) {}
  PooledBuffer(PooledBuffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), bytes_(std::move(other.bytes_)) {}
  PooledBuffer& operator=(PooledBuffer&&) = delete;
  ~PooledBuffer() {
    if (pool_ != nullptr) pool_->give_back(std::move(bytes_));
  }

  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  BufferPool* pool_;
  std::vector<std::byte> bytes_;
};

inline PooledBuffer BufferPool::take() {
  std::vector<std::byte> bytes;
  if (spare_.empty()) {
    bytes.reserve(kFirstBytes);
  } else {
    bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  return {*this, std::move(bytes)};
}

}  // namespace coracle::net
