#include "runtime/frame_pool.h"

#include <array>
#include <new>

namespace coracle {
namespace {

constexpr std::size_t kGranule = 64;
constexpr std::size_t kClasses = 32;  // frames of up to 2 KiB are pooled
// The word in front of a frame; as wide as the alignment that operator new promises.
constexpr std::size_t kHeaderBytes = kDebugChecks ? __STDCPP_DEFAULT_NEW_ALIGNMENT__ : 0;

struct FreeFrame {
  FreeFrame* next;
};

struct Lists {
  std::array<FreeFrame*, kClasses> heads;
  std::size_t live;
};

constinit thread_local Lists lists = {};

void* allocate_block(std::size_t bytes) {
#if !defined(CORACLE_SANITIZED)  // sanitizers must see each frame come and go
  const std::size_t size_class = (bytes - 1) / kGranule;
  if (size_class < kClasses) {
    if (FreeFrame* frame = lists.heads[size_class]) {
      lists.heads[size_class] = frame->next;
      return frame;
    }
    return ::operator new((size_class + 1) * kGranule);
  }
#endif
  return ::operator new(bytes);
}

void release_block(void* block, std::size_t bytes) noexcept {
#if !defined(CORACLE_SANITIZED)
  const std::size_t size_class = (bytes - 1) / kGranule;
  if (size_class < kClasses) {
    lists.heads[size_class] = ::new (block) FreeFrame{lists.heads[size_class]};
    return;
  }
#endif
  ::operator delete(block, bytes);
}

}  // namespace

void* FramePool::allocate(std::size_t bytes) {
  auto* block = static_cast<std::byte*>(allocate_block(bytes + kHeaderBytes));
  if constexpr (kDebugChecks) {
    ::new (block) std::size_t(bytes);
    ++lists.live;
  }
  return block + kHeaderBytes;
}

void FramePool::release(void* frame, std::size_t bytes) noexcept {
  if constexpr (kDebugChecks) --lists.live;
  release_block(static_cast<std::byte*>(frame) - kHeaderBytes, bytes + kHeaderBytes);
}

void FramePool::trim() noexcept {
  for (FreeFrame*& head : lists.heads) {
    while (head != nullptr) {
      FreeFrame* frame = head;
      head = frame->next;
      ::operator delete(frame);
    }
  }
}

std::size_t FramePool::live_frames() noexcept { return lists.live; }

std::size_t FramePool::frame_bytes(const void* frame) noexcept {
  if constexpr (!kDebugChecks) return 0;
  return *reinterpret_cast<const std::size_t*>(static_cast<const std::byte*>(frame) - kHeaderBytes);
}

}  // namespace coracle
