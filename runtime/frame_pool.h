// Memory for coroutine frames: free lists by size class, one set per thread. Mechanism; users of
// the framework need not look here.
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include "runtime/build_mode.h"

namespace coracle::inline CORACLE_BUILD_MODE {

// Debug builds keep the size of each frame in front of it, for the scan of what spawn stores.
#if defined(CORACLE_DEBUG_CHECKS)
inline constexpr bool kDebugChecks = true;
#else
inline constexpr bool kDebugChecks = false;
#endif

class FramePool {
 public:
  // Debug builds count frames, and sanitizers must see each one come and go: no pool there.
#if defined(CORACLE_SANITIZED)
  static constexpr bool kPlain = true;
#else
  static constexpr bool kPlain = kDebugChecks;
#endif

  // Allocates a frame of `bytes` bytes, aligned like `operator new`.
  //   Throws     std::bad_alloc.
  static void* allocate(std::size_t bytes) {
    if constexpr (!kPlain) {
      if (bytes <= kPooledBytes) {
        FreeFrame*& head = lists_.heads[size_class(bytes)];
        if (FreeFrame* frame = head) [[likely]] {
          head = frame->next;
          return frame;
        }
      }
    }
    return allocate_anew(bytes);
  }

  // Gives back a frame that allocate() returned on this thread, with the same size.
  static void release(void* frame, std::size_t bytes) noexcept {
    if constexpr (!kPlain) {
      if (bytes <= kPooledBytes) [[likely]] {
        FreeFrame*& head = lists_.heads[size_class(bytes)];
        head = ::new (frame) FreeFrame{head};
        return;
      }
    }
    release_for_good(frame, bytes);
  }

  // Frees what this thread's free lists hold.
  static void trim() noexcept;

  // How many frames of this thread are in use. Counted in debug builds only, else 0.
  static std::size_t live_frames() noexcept;

  // The size of a frame, as it was asked for. Debug builds only.
  static std::size_t frame_bytes(const void* frame) noexcept;

 private:
  struct FreeFrame {
    FreeFrame* next;
  };

  static constexpr std::size_t kGranule = 64;
  static constexpr std::size_t kClasses = 32;
  static constexpr std::size_t kPooledBytes = kGranule * kClasses;

  struct Lists {
    std::array<FreeFrame*, kClasses> heads;
    std::size_t live;
  };

  static std::size_t size_class(std::size_t bytes) { return (bytes - 1) / kGranule; }
  static void* allocate_anew(std::size_t bytes);
  static void release_for_good(void* frame, std::size_t bytes) noexcept;

  static constinit thread_local Lists lists_;
};

}  // namespace coracle::inline CORACLE_BUILD_MODE
