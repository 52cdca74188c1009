// Memory for coroutine frames: free lists by size class, one set per thread. Mechanism; users of
// the framework need not look here.
#pragma once

#include <cstddef>

namespace coracle {

// Debug builds keep the size of each frame in front of it, for the scan of what spawn stores.
#if defined(CORACLE_DEBUG_CHECKS)
inline constexpr bool kDebugChecks = true;
#else
inline constexpr bool kDebugChecks = false;
#endif

class FramePool {
 public:
  // Allocates a frame of `bytes` bytes, aligned like `operator new`.
  //   Throws     std::bad_alloc.
  static void* allocate(std::size_t bytes);

  // Gives back a frame that allocate() returned on this thread, with the same size.
  static void release(void* frame, std::size_t bytes) noexcept;

  // Frees what this thread's free lists hold.
  static void trim() noexcept;

  // How many frames of this thread are in use. Counted in debug builds only, else 0.
  static std::size_t live_frames() noexcept;

  // The size of a frame, as it was asked for. Debug builds only.
  static std::size_t frame_bytes(const void* frame) noexcept;
};

}  // namespace coracle
