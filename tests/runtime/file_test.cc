// Files and directories on the real disk.
#include "runtime/file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/error.h"
#include "runtime/run.h"
#include "tests/runtime/temporary_directory.h"

namespace coracle {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Reads `count` bytes at `offset`, or as many as there are.
Task<std::string> read_text(File& file, std::size_t count, std::uint64_t offset) {
  std::string text(count, '?');
  text.resize(co_await file.read_at(std::as_writable_bytes(std::span(text)), offset));
  co_return text;
}

TEST(File, ReadsWhatWasWritten) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    File file = co_await File::open(path, OpenMode::create_new);
    co_await file.write_at(bytes_of("hello"), 0);
    co_await file.write_at(bytes_of("world"), 6);
    co_await file.datasync();
    EXPECT_EQ(co_await file.size(), 11U);
    const std::string whole = co_await read_text(file, 100, 0);
    EXPECT_EQ(whole, std::string("hello\0world", 11));
    const std::string part = co_await read_text(file, 3, 7);
    EXPECT_EQ(part, "orl");
    const std::string behind = co_await read_text(file, 3, 11);
    EXPECT_EQ(behind, "");
  }(directory / "file"));
  EXPECT_EQ(contents_of(directory / "file"), std::string("hello\0world", 11));
}

TEST(File, IsCutAndFilledUp) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    File file = co_await File::open(path, OpenMode::create);
    co_await file.write_at(bytes_of("hello"), 0);
    co_await file.truncate(2);
    EXPECT_EQ(co_await file.size(), 2U);
    co_await file.truncate(4);
    const std::string text = co_await read_text(file, 100, 0);
    EXPECT_EQ(text, std::string("he\0\0", 4));
  }(directory / "file"));
}

TEST(File, AllocatesWithoutLosingWhatWasWritten) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    File file = co_await File::open(path, OpenMode::create);
    co_await file.write_at(bytes_of("hello"), 0);
    co_await file.allocate(0, 8);
    EXPECT_EQ(co_await file.size(), 8U);
    co_await file.allocate(0, 4);
    EXPECT_EQ(co_await file.size(), 8U);
    const std::string text = co_await read_text(file, 100, 0);
    EXPECT_EQ(text, std::string("hello\0\0\0", 8));
  }(directory / "file"));
}

TEST(File, OpensAsItsModeSays) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    {
      File file = co_await File::open(path, OpenMode::create);
      co_await file.write_at(bytes_of("hello"), 0);
    }
    {
      File file = co_await File::open(path, OpenMode::update);
      co_await file.write_at(bytes_of("J"), 0);
    }
    {
      File file = co_await File::open(path, OpenMode::read);
      const std::string text = co_await read_text(file, 100, 0);
      EXPECT_EQ(text, "Jello");
    }
    File file = co_await File::open(path, OpenMode::replace);
    EXPECT_EQ(co_await file.size(), 0U);
  }(directory / "file"));
}

// Awaits it.
//   Returns    what the Error says, empty if there was none.
template <class T>
Task<std::string> error_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "";
}
Task<std::string> error_of(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "";
}

TEST(File, SaysWhatFailedAndOnWhat) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    const std::string missing = co_await error_of(File::open(path, OpenMode::update));
    EXPECT_EQ(missing, "open " + path + ": No such file or directory");
    File file = co_await File::open(path, OpenMode::create_new);
    const std::string exists = co_await error_of(File::open(path, OpenMode::create_new));
    EXPECT_EQ(exists, "open " + path + ": File exists");
    File read_only = co_await File::open(path, OpenMode::read);
    const std::string refused = co_await error_of(read_only.write_at(bytes_of("x"), 0));
    EXPECT_EQ(refused, "write " + path + ": Bad file descriptor");
    File full = co_await File::open("/dev/full", OpenMode::update);
    const std::string no_space = co_await error_of(full.write_at(bytes_of("x"), 0));
    EXPECT_EQ(no_space, "write /dev/full: No space left on device");
    const std::string neither = co_await error_of(full.write_durably_at(bytes_of("x"), 0));
    EXPECT_EQ(neither, no_space);
    File null = co_await File::open("/dev/null", OpenMode::update);
    const std::string not_synced = co_await error_of(null.write_durably_at(bytes_of("x"), 0));
    EXPECT_EQ(not_synced, "datasync /dev/null: Invalid argument");
    const std::string rename = co_await error_of(rename_file(path + "-no", path + "-to"));
    EXPECT_EQ(rename, "rename " + path + "-no to " + path + "-to: No such file or directory");
    const std::string list = co_await error_of(list_directory(path));
    EXPECT_EQ(list, "list directory " + path + ": Not a directory");
    const std::string sync = co_await error_of(sync_directory(path + "-no"));
    EXPECT_EQ(sync, "sync directory " + path + "-no: No such file or directory");
    const std::string make = co_await error_of(make_directory(path + "/below"));
    EXPECT_EQ(make, "make directory " + path + "/below: Not a directory");
    const std::string remove = co_await error_of(remove_file(path + "/below"));
    EXPECT_EQ(remove, "remove " + path + "/below: Not a directory");
  }(directory / "file"));
}

TEST(File, MovesAndClosesOnce) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    File first = co_await File::open(path, OpenMode::create);
    File second = std::move(first);
    co_await second.write_at(bytes_of("hello"), 0);
    first = co_await File::open(path, OpenMode::read);
    second = std::move(first);
    const std::string text = co_await read_text(second, 100, 0);
    EXPECT_EQ(text, "hello");
    EXPECT_EQ(second.path(), path);
  }(directory / "file"));
}

TEST(Directory, IsMadeListedAndRemoved) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    EXPECT_TRUE(co_await make_directory(path + "/a/b"));
    EXPECT_FALSE(co_await make_directory(path + "/a/b"));
    EXPECT_TRUE(co_await file_exists(path + "/a"));
    co_await File::open(path + "/a/z", OpenMode::create);
    co_await File::open(path + "/a/c", OpenMode::create);
    const std::vector<std::string> names = co_await list_directory(path + "/a");
    EXPECT_EQ(names, (std::vector<std::string>{"b", "c", "z"}));
    co_await sync_directory(path + "/a");
    EXPECT_EQ(co_await remove_tree(path + "/a"), 4U);
    EXPECT_EQ(co_await remove_tree(path + "/a"), 0U);
    EXPECT_FALSE(co_await file_exists(path + "/a"));
  }(directory.path()));
}

TEST(Directory, FilesAreRenamedAndRemoved) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    {
      File file = co_await File::open(path + "/new", OpenMode::create);
      co_await file.write_at(bytes_of("new"), 0);
      co_await File::open(path + "/old", OpenMode::create);
    }
    co_await rename_file(path + "/new", path + "/old");
    EXPECT_EQ(contents_of(path + "/old"), "new");
    EXPECT_FALSE(co_await file_exists(path + "/new"));
    EXPECT_TRUE(co_await remove_file(path + "/old"));
    EXPECT_FALSE(co_await remove_file(path + "/old"));
  }(directory.path()));
}

TEST(Directory, TemporaryOnesAreNewAndPrivate) {
  run([]() -> Task<> {
    const std::string first = co_await make_temporary_directory("coracle-test-");
    const std::string second = co_await make_temporary_directory("coracle-test-");
    EXPECT_NE(first, second);
    EXPECT_NE(first.find("/coracle-test-"), std::string::npos);
    const auto permissions = std::filesystem::status(first).permissions();
    EXPECT_EQ(permissions, std::filesystem::perms::owner_all);
    EXPECT_EQ(co_await remove_tree(first), 1U);
    EXPECT_EQ(co_await remove_tree(second), 1U);
  }());
}

}  // namespace
}  // namespace coracle
