// One process per data directory.
#pragma once

#include <string>
#include <string_view>

#include "runtime/task.h"

namespace coracle {

// Holds a directory for this process, until it is destroyed or the process ends in any way.
// Advisory: it keeps out only those who ask for the same lock.
class DirectoryLock {
 public:
  // Locks the file LOCK in `directory`, which is made if missing and never removed. It holds the
  // process id of its last holder, for people.
  //   Throws     Error with std::errc::device_or_resource_busy when another process, or another
  //              lock of this one, holds it: `lock data/LOCK (held by process 4711): Device or
  //              resource busy`; other Errors as for files.
  //   Canceled   as for files (file.h).
  [[nodiscard]] static Task<DirectoryLock> acquire(std::string_view directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  // Releases it.
  //   Requires   a current loop.
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  static Task<DirectoryLock> acquire_path(std::string path);
  void release() noexcept;

  int descriptor_;
};

}  // namespace coracle
