// One process per directory.
#include "runtime/directory_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>

#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "tests/runtime/temporary_directory.h"

namespace coracle {
namespace {

// Tries to lock.
//   Returns    what refused it, empty if nothing did.
Task<std::string> try_lock(const std::string& path) {
  try {
    co_await DirectoryLock::acquire(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::device_or_resource_busy);
    co_return error.what();
  }
  co_return "";
}

TEST(DirectoryLock, KeepsOutASecondOneAndNamesTheHolder) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    {
      DirectoryLock lock = co_await DirectoryLock::acquire(path);
      const std::string refused = co_await try_lock(path);
      EXPECT_EQ(refused, "lock " + path + "/LOCK (held by process " + std::to_string(getpid()) +
                             "): Device or resource busy");
      DirectoryLock moved = std::move(lock);
      const std::string still_refused = co_await try_lock(path);
      EXPECT_NE(still_refused, "");
    }
    const std::string released = co_await try_lock(path);
    EXPECT_EQ(released, "");
  }(directory.path()));
}

TEST(DirectoryLock, SaysSoWhenTheDirectoryIsMissing) {
  const TemporaryDirectory directory;
  EXPECT_THROW(run([](std::string path) -> Task<> {
                 co_await DirectoryLock::acquire(path);
               }(directory / "no")),
               Error);
}

// The child locks, says so through the pipe, and is killed while it holds the lock.
TEST(DirectoryLock, EndsWithItsProcess) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    run([](std::string path, int descriptor) -> Task<> {
      DirectoryLock lock = co_await DirectoryLock::acquire(path);
      if (write(descriptor, "x", 1) == 1) pause();
    }(directory.path(), ready[1]));
    _exit(1);
  }
  close(ready[1]);
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  run([](std::string path, pid_t holder) -> Task<> {
    const std::string refused = co_await try_lock(path);
    EXPECT_NE(refused.find("held by process " + std::to_string(holder)), std::string::npos);
    kill(holder, SIGKILL);
    waitpid(holder, nullptr, 0);
    const std::string released = co_await try_lock(path);
    EXPECT_EQ(released, "");
  }(directory.path(), child));
}

}  // namespace
}  // namespace coracle
