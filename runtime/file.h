// Files and directories. The loop never waits for a disk: each operation runs on a thread of the
// pool. Every operation here
//   Throws     Error with the operation and the path: `write node.state: No space left on device`.
//   Canceled   throws if it had not begun; it never does then. One that has begun is waited for,
//              and its result stands.
//   Borrows    the file and the buffers given to it until it returns: also when it is canceled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/file_request.h"
#include "runtime/task.h"

namespace coracle {

// An open file. Several operations may be under way at once; they are not ordered then.
class File {
 public:
  // Opens, and with the modes that allow it makes, a file.
  [[nodiscard]] static Task<File> open(std::string_view path, OpenMode mode);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  // Closes it: at once, on the loop's thread. What was written and not synced stays at risk.
  //   Requires   that no operation is under way; a current loop.
  ~File();

  // Reads `buffer.size()` bytes from `offset`.
  //   Returns    how many were read; fewer than asked only where the file ends, 0 at its end.
  [[nodiscard]] Task<std::size_t> read_at(std::span<std::byte> buffer, std::uint64_t offset);

  // Writes all of `bytes` at `offset`; the file grows as needed. After an Error any part of it may
  // have been written.
  [[nodiscard]] Task<> write_at(std::span<const std::byte> bytes, std::uint64_t offset);

  // The same, and then a datasync(), both on one thread of the pool: faster by a trip to the loop
  // and back. An Error names the one of the two that failed.
  [[nodiscard]] Task<> write_durably_at(std::span<const std::byte> bytes, std::uint64_t offset);

  // Returns    its size in bytes.
  [[nodiscard]] Task<std::uint64_t> size();

  // Cuts it to `bytes` bytes, or fills it up with zeros to that size.
  [[nodiscard]] Task<> truncate(std::uint64_t bytes);

  // Reserves space for `length` bytes from `offset`: writes there do not fail for lack of space.
  // The file grows to hold them all, so that a datasync after such a write has no new size to
  // store. What was written stays; the rest reads as zeros. A file system that cannot reserve only
  // grows the file.
  //   Requires   a length that is not 0.
  [[nodiscard]] Task<> allocate(std::uint64_t offset, std::uint64_t length);

  // Returns when what was written before is on the disk, with the size needed to read it. The name
  // of a new file is not: sync_directory(). After an Error nothing is known of what is on the disk,
  // and another datasync may report success for bytes that are lost.
  [[nodiscard]] Task<> datasync();

  // Returns    the path it was opened with.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  class Use;

  File(int descriptor, std::string_view path) : descriptor_(descriptor), path_(path) {}
  static Task<File> open_path(std::string path, OpenMode mode);
  void close() noexcept;

  int descriptor_;
  int operations_ = 0;  // under way
  std::string path_;
};

// Gives the file `from` the name `to`, in place of the file that has it. Atomic: at any time `to`
// is the one or the other. Durable after sync_directory().
[[nodiscard]] Task<> rename_file(std::string_view from, std::string_view to);

// Returns    true once the file is gone, false if there was none.
[[nodiscard]] Task<bool> remove_file(std::string_view path);

// Removes a directory with everything below it, without following links.
//   Returns    how many files and directories that were; 0 if there was none.
[[nodiscard]] Task<std::uint64_t> remove_tree(std::string_view path);

// Makes a directory, and those above it that are missing.
//   Returns    true if it was made, false if there was one.
[[nodiscard]] Task<bool> make_directory(std::string_view path);

// Makes a new directory where the system keeps temporary files (TMPDIR, else /tmp), for this user
// only. Nobody removes it: remove_tree().
//   Returns    its path; the last part begins with `prefix`.
[[nodiscard]] Task<std::string> make_temporary_directory(std::string_view prefix);

// Returns    the names in a directory, in order, without "." and "..".
[[nodiscard]] Task<std::vector<std::string>> list_directory(std::string_view path);

// Returns when the names in this directory (files made, renamed, removed) are on the disk.
[[nodiscard]] Task<> sync_directory(std::string_view path);

// Returns    whether there is a file, directory or other thing of that name.
[[nodiscard]] Task<bool> file_exists(std::string_view path);

}  // namespace coracle
