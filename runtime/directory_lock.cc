#include "runtime/directory_lock.h"

#include <utility>

#include "runtime/error.h"
#include "runtime/file_operation.h"

namespace coracle {

Task<DirectoryLock> DirectoryLock::acquire_path(std::string path) {
  const FileCall call{.action = FileAction::lock, .path = &path};
  const FileResult result = (co_await FileOperation(call)).result;
  if (result.error == 0) co_return DirectoryLock(static_cast<int>(result.value));
  if (result.value > 0) path += " (held by process " + std::to_string(result.value) + ")";
  throw Error(result.error, to_string(call.action), path);
}

Task<DirectoryLock> DirectoryLock::acquire(std::string_view directory) {
  return acquire_path(std::string(directory) + "/LOCK");
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  if (this == &other) return *this;
  release();
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

DirectoryLock::~DirectoryLock() { release(); }

void DirectoryLock::release() noexcept {
  if (descriptor_ >= 0) close_file(descriptor_);
}

}  // namespace coracle
