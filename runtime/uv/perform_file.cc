#include "runtime/uv/perform_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace coracle::uv {
namespace {

constexpr mode_t kFilePermissions = 0644;  // less what the umask takes

// Calls it again when a signal interrupted it.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The result of a system call: -1 means errno.
FileResult judge(std::int64_t value) {
  if (value < 0) return {.error = errno, .value = 0};
  return {.error = 0, .value = value};
}

FileResult judge(const std::error_code& code, std::int64_t value) {
  return {.error = code.value(), .value = code ? 0 : value};
}

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read: return O_RDONLY;
    case OpenMode::update: return O_RDWR;
    case OpenMode::create: return O_RDWR | O_CREAT;
    case OpenMode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::replace: return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

int open_descriptor(const std::string& path, int flags) {
  return retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFilePermissions); });
}

FileResult read(int descriptor, std::span<std::byte> into, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = retried([&] {
      return ::pread(descriptor, into.data() + done, into.size() - done,
                     static_cast<off_t>(offset + done));
    });
    if (count < 0) return judge(count);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return judge(static_cast<std::int64_t>(done));
}

FileResult write(int descriptor, std::span<const std::byte> from, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < from.size()) {
    const ssize_t count = retried([&] {
      return ::pwrite(descriptor, from.data() + done, from.size() - done,
                      static_cast<off_t>(offset + done));
    });
    if (count < 0) return judge(count);
    done += static_cast<std::size_t>(count);
  }
  return judge(static_cast<std::int64_t>(done));
}

FileResult size(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return judge(-1);
  return judge(status.st_size);
}

// Where nothing can be reserved, the file at least has its size.
FileResult grow(int descriptor, std::uint64_t end) {
  const FileResult now = size(descriptor);
  if (now.error != 0 || static_cast<std::uint64_t>(now.value) >= end) return {now.error, 0};
  return judge(retried([&] { return ::ftruncate(descriptor, static_cast<off_t>(end)); }));
}

FileResult allocate(int descriptor, std::uint64_t offset, std::uint64_t length) {
#if defined(__linux__)
  const FileResult reserved = judge(retried([&] {
    return ::fallocate(descriptor, 0, static_cast<off_t>(offset), static_cast<off_t>(length));
  }));
  if (reserved.error != EOPNOTSUPP) return reserved;
#endif
  return grow(descriptor, offset + length);
}

FileResult datasync(int descriptor) {
#if defined(__APPLE__)
  return judge(retried([&] { return ::fcntl(descriptor, F_FULLFSYNC); }));
#else
  return judge(retried([&] { return ::fdatasync(descriptor); }));
#endif
}

FileResult sync_directory(const std::string& path) {
  const int descriptor = open_descriptor(path, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return judge(-1);
  const FileResult result = judge(retried([&] { return ::fsync(descriptor); }));
  ::close(descriptor);
  return result;
}

FileResult remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return judge(1);
  return errno == ENOENT ? judge(0) : judge(-1);
}

FileResult remove_tree(const std::string& path) {
  std::error_code code;
  const std::uintmax_t count = std::filesystem::remove_all(path, code);
  return judge(code, static_cast<std::int64_t>(count));
}

FileResult make_directory(const std::string& path) {
  std::error_code code;
  const bool made = std::filesystem::create_directories(path, code);
  return judge(code, made ? 1 : 0);
}

FileResult make_temporary_directory(const std::string& prefix, std::string& path) {
  const char* place = std::getenv("TMPDIR");
  path = place != nullptr && *place != '\0' ? place : "/tmp";
  path.append("/").append(prefix).append("XXXXXX");
  return judge(::mkdtemp(path.data()) == nullptr ? -1 : 0);
}

FileResult list_directory(const std::string& path, std::vector<std::string>& names) {
  std::error_code code;
  std::filesystem::directory_iterator entry(path, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return judge(code, 0);
}

FileResult exists(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) return judge(1);
  return errno == ENOENT || errno == ENOTDIR ? judge(0) : judge(-1);
}

// The process whose id the lock file holds; 0 if it holds none.
std::int64_t holder(int descriptor) {
  std::array<char, 24> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  std::int64_t process = 0;
  if (count > 0) std::from_chars(text.data(), text.data() + count, process);
  return process;
}

// That the id is written is a courtesy: a full disk does not keep anyone from locking.
void write_holder(int descriptor) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0) return;
  static_cast<void>(write(descriptor, std::as_bytes(std::span(text)), 0));
}

FileResult lock(const std::string& path) {
  const int descriptor = open_descriptor(path, O_RDWR | O_CREAT);
  if (descriptor < 0) return judge(-1);
  if (retried([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) == 0) {
    write_holder(descriptor);
    return judge(descriptor);
  }
  FileResult refused = judge(-1);
  if (refused.error == EWOULDBLOCK) refused = {.error = EBUSY, .value = holder(descriptor)};
  ::close(descriptor);
  return refused;
}

}  // namespace

FileResult perform_file(const FileCall& call) noexcept {
  switch (call.action) {
    case FileAction::open: return judge(open_descriptor(*call.path, open_flags(call.mode)));
    case FileAction::read: return read(call.descriptor, call.into, call.offset);
    case FileAction::write: return write(call.descriptor, call.from, call.offset);
    case FileAction::size: return size(call.descriptor);
    case FileAction::truncate:
      return judge(
          retried([&] { return ::ftruncate(call.descriptor, static_cast<off_t>(call.offset)); }));
    case FileAction::allocate: return allocate(call.descriptor, call.offset, call.length);
    case FileAction::datasync: return datasync(call.descriptor);
    case FileAction::rename: return judge(::rename(call.path->c_str(), call.to->c_str()));
    case FileAction::remove: return remove(*call.path);
    case FileAction::remove_tree: return remove_tree(*call.path);
    case FileAction::make_directory: return make_directory(*call.path);
    case FileAction::make_temporary_directory:
      return make_temporary_directory(*call.path, *call.text);
    case FileAction::list_directory: return list_directory(*call.path, *call.names);
    case FileAction::sync_directory: return sync_directory(*call.path);
    case FileAction::exists: return exists(*call.path);
    case FileAction::lock: return lock(*call.path);
  }
  return {.error = ENOSYS, .value = 0};
}

}  // namespace coracle::uv
