// A program that uses a simulated disk: each operation takes effect at once, without a loop.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/sim/disk.h"

namespace coracle::sim {

class DiskUser {
 public:
  explicit DiskUser(Disk& disk, int pid = 1) : disk_(disk), pid_(pid) {}

  FileResult perform(const FileCall& call) {
    static_cast<void>(disk_.begin(call));
    return disk_.perform(call, pid_);
  }
  // Begins it, and is killed while it is under way.
  void interrupted(const FileCall& call) {
    static_cast<void>(disk_.begin(call));
    disk_.interrupt(call, pid_);
  }

  // These return errno values, 0 when they succeed.
  int datasync(int file) {
    return perform({.action = FileAction::datasync, .descriptor = file}).error;
  }
  int truncate(int file, std::uint64_t bytes) {
    return perform({.action = FileAction::truncate, .descriptor = file, .offset = bytes}).error;
  }
  int allocate(int file, std::uint64_t offset, std::uint64_t length) {
    return perform({.action = FileAction::allocate,
                    .descriptor = file,
                    .offset = offset,
                    .length = length})
        .error;
  }
  int write(int file, std::string_view text, std::uint64_t offset = 0) {
    return perform(write_call(file, text, offset)).error;
  }
  int on(FileAction action, const std::string& path) {
    return perform({.action = action, .path = &path}).error;
  }
  int sync_directory(const std::string& path) { return on(FileAction::sync_directory, path); }
  int make_directory(const std::string& path) { return on(FileAction::make_directory, path); }
  int remove(const std::string& path) { return on(FileAction::remove, path); }
  int rename(const std::string& from, const std::string& to) {
    return perform({.action = FileAction::rename, .path = &from, .to = &to}).error;
  }

  FileResult try_open(const std::string& path, OpenMode mode) {
    return perform({.action = FileAction::open, .path = &path, .mode = mode});
  }
  FileResult try_lock(const std::string& path) {
    return perform({.action = FileAction::lock, .path = &path});
  }
  int open(const std::string& path, OpenMode mode = OpenMode::create) {
    const FileResult result = try_open(path, mode);
    EXPECT_EQ(result.error, 0) << path;
    return static_cast<int>(result.value);
  }
  std::uint64_t size(int file) {
    const FileResult result = perform({.action = FileAction::size, .descriptor = file});
    EXPECT_EQ(result.error, 0);
    return static_cast<std::uint64_t>(result.value);
  }
  std::string read(int file, std::size_t count, std::uint64_t offset = 0) {
    std::string text(count, '?');
    const FileResult result = perform({.action = FileAction::read,
                                       .descriptor = file,
                                       .into = std::as_writable_bytes(std::span(text)),
                                       .offset = offset});
    EXPECT_EQ(result.error, 0);
    text.resize(static_cast<std::size_t>(result.value));
    return text;
  }
  // Makes a file of that content whose bytes are durable; its name is not.
  void make_file(const std::string& path, std::string_view content) {
    const int file = open(path, OpenMode::create);
    EXPECT_EQ(write(file, content), 0);
    EXPECT_EQ(datasync(file), 0);
    disk_.close(file);
  }

  static FileCall write_call(int file, std::string_view text, std::uint64_t offset = 0) {
    return {.action = FileAction::write,
            .descriptor = file,
            .from = std::as_bytes(std::span(text)),
            .offset = offset};
  }

 private:
  Disk& disk_;
  const int pid_;
};

}  // namespace coracle::sim
