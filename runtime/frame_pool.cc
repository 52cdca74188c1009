#include "runtime/frame_pool.h"

namespace coracle::inline CORACLE_BUILD_MODE {
namespace {

// The word in front of a frame; as wide as the alignment that operator new promises.
constexpr std::size_t kHeaderBytes = kDebugChecks ? __STDCPP_DEFAULT_NEW_ALIGNMENT__ : 0;

}  // namespace

constinit thread_local FramePool::Lists FramePool::lists_ = {};

void* FramePool::allocate_anew(std::size_t bytes) {
  if (!kPlain && bytes <= kPooledBytes) return ::operator new((size_class(bytes) + 1) * kGranule);
  auto* block = static_cast<std::byte*>(::operator new(bytes + kHeaderBytes));
  if constexpr (kDebugChecks) {
    ::new (block) std::size_t(bytes);
    ++lists_.live;
  }
  return block + kHeaderBytes;
}

void FramePool::release_for_good(void* frame, std::size_t bytes) noexcept {
  if constexpr (kDebugChecks) --lists_.live;
  ::operator delete(static_cast<std::byte*>(frame) - kHeaderBytes, bytes + kHeaderBytes);
}

void FramePool::trim() noexcept {
  for (FreeFrame*& head : lists_.heads) {
    while (head != nullptr) {
      FreeFrame* frame = head;
      head = frame->next;
      ::operator delete(frame);
    }
  }
}

std::size_t FramePool::live_frames() noexcept { return lists_.live; }

std::size_t FramePool::frame_bytes(const void* frame) noexcept {
  if constexpr (!kDebugChecks) return 0;
  return *reinterpret_cast<const std::size_t*>(static_cast<const std::byte*>(frame) - kHeaderBytes);
}

}  // namespace coracle::inline CORACLE_BUILD_MODE
