// File operations that are canceled, and loops that crash under them: nothing is given back early,
// and no descriptor is lost.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "runtime/back_end.h"
#include "runtime/directory_lock.h"
#include "runtime/driver.h"
#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/runtime/pool_gate.h"
#include "tests/runtime/sweep.h"
#include "tests/runtime/temporary_directory.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// Every operation there is, in an own directory of each run.
Task<> use_files(const std::string& place) {
  co_await remove_tree(place);
  co_await make_directory(place);
  DirectoryLock lock = co_await DirectoryLock::acquire(place);
  const std::string path = place + "/file";
  {
    File file = co_await File::open(path, OpenMode::create_new);
    std::vector<std::byte> bytes(5000, std::byte{7});
    co_await file.allocate(0, 10000);
    co_await file.write_at(bytes, 100);
    co_await file.datasync();
    co_await file.write_durably_at(bytes, 100);
    co_await file.truncate(5100);
    std::vector<std::byte> back(6000);
    EXPECT_EQ(co_await file.read_at(back, 100), 5000U);
    EXPECT_EQ(co_await file.size(), 5100U);
  }
  co_await rename_file(path, path + "2");
  co_await sync_directory(place);
  EXPECT_TRUE(co_await file_exists(path + "2"));
  const std::vector<std::string> names = co_await list_directory(place);
  EXPECT_EQ(names.size(), 2U);
  EXPECT_TRUE(co_await remove_file(path + "2"));
}

TEST(File, CanBeCanceledAnywhere) {
  const TemporaryDirectory directory;
  const std::string place = directory / "place";
  EXPECT_GT(sweep::cancel_everywhere([&place] { return use_files(place); }), 13);
}

TEST(File, CanCrashAnywhere) {
  const TemporaryDirectory directory;
  const std::string place = directory / "place";
  EXPECT_GT(sweep::crash_everywhere([&place] { return use_files(place); }), 13);
  sweep::crash_while_canceling_everywhere([&place] { return use_files(place); });
}

TEST(File, CanceledBeforeItBeginsDoesNothing) {
  const TemporaryDirectory directory;
  run([](std::string path) -> Task<> {
    PoolGate gate;
    File file = co_await File::open(path, OpenMode::create);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      occupy_pool(group, gate);
      co_await yield();
      gate.wait_for(PoolGate::kThreads);
      EXPECT_FALSE(co_await within(1ms, file.truncate(10)));
      const auto made = co_await within(1ms, File::open(path + "2", OpenMode::create));
      EXPECT_FALSE(made.has_value());
      gate.open();
    });
    EXPECT_EQ(co_await file.size(), 0U);
    EXPECT_FALSE(co_await file_exists(path + "2"));
  }(directory / "file"));
}

constexpr std::size_t kLargeBytes = 64 * 1024 * 1024;

// Large enough to be under way for long. At its end it notes how much of it was written then, and
// spoils its memory.
class LargeBuffer {
 public:
  LargeBuffer(const std::string& file, std::size_t& written)
      : file_(file), written_(written), bytes_(kLargeBytes, std::byte{7}) {}
  LargeBuffer(const LargeBuffer&) = delete;
  LargeBuffer& operator=(const LargeBuffer&) = delete;
  ~LargeBuffer() {
    written_ = std::filesystem::file_size(file_);
    std::fill(bytes_.begin(), bytes_.end(), std::byte{8});
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  const std::string& file_;
  std::size_t& written_;
  std::vector<std::byte> bytes_;
};

Task<> write_large(const std::string& path, std::size_t& written) {
  File file = co_await File::open(path, OpenMode::create);
  const LargeBuffer buffer(path, written);
  co_await file.write_at(buffer.bytes(), 0);
}

// Drives until the disk has begun to write.
void drive_into_write(LoopDriver& driver, const std::string& path) {
  driver.loop().set_resumptions_per_pass(1);
  std::size_t begun = 0;
  driver.loop().back_end().observe_files([&begun](const FileCall& call) {
    if (call.action == FileAction::write) ++begun;
  });
  while (begun == 0) driver.step();
  while (std::filesystem::file_size(path) == 0) std::this_thread::yield();
  driver.loop().back_end().observe_files({});
}

// AddressSanitizer reports the write if its buffer was given back early; and without it, the
// buffer would end before all was written.
TEST(File, ACanceledWriteStillOwnsItsBuffer) {
  const TemporaryDirectory directory;
  const std::string path = directory / "large";
  std::size_t written = 0;
  LoopDriver driver({});
  driver.start(write_large(path, written));
  drive_into_write(driver, path);
  driver.cancel_main();
  while (driver.loop().main_runs()) driver.step();
  driver.finish();
  EXPECT_EQ(written, kLargeBytes);
}

TEST(File, ACrashWaitsForTheWriteUnderWay) {
  const TemporaryDirectory directory;
  const std::string path = directory / "large";
  std::size_t written = 0;
  LoopDriver driver({});
  driver.start(write_large(path, written));
  drive_into_write(driver, path);
  driver.tear_down();
  EXPECT_EQ(written, kLargeBytes);
}

// Opening a FIFO takes until somebody opens its other end.
std::string make_fifo(const TemporaryDirectory& directory) {
  std::string path = directory / "fifo";
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return path;
}

std::thread open_other_end(const std::string& path) {
  return std::thread([&path] {
    std::this_thread::sleep_for(20ms);
    close(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  });
}

Task<> open_into(const std::string& path, std::optional<File>& file) {
  file = co_await File::open(path, OpenMode::read);
}

// The pool begins in order: what was asked for before has begun too.
Task<> wait_until_begun() {
  co_await yield();
  co_await run_blocking([] {});
}

TEST(File, ACanceledOpenThatHadBegunStillGivesTheFile) {
  const TemporaryDirectory directory;
  const std::string path = make_fifo(directory);
  run([](const std::string& fifo) -> Task<> {
    std::optional<File> file;
    std::thread other_end;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("open", open_into, std::ref(fifo), std::ref(file));
      co_await wait_until_begun();
      group.cancel();
      other_end = open_other_end(fifo);
    });
    EXPECT_TRUE(file.has_value());
    other_end.join();
  }(path));
}

TEST(File, ACrashClosesWhatAnOpenUnderWayGives) {
  const TemporaryDirectory directory;
  const std::string path = make_fifo(directory);
  bool begun = false;
  LoopDriver driver({});
  driver.start([](const std::string& fifo, bool& has_begun) -> Task<> {
    std::optional<File> file;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("open", open_into, std::ref(fifo), std::ref(file));
      co_await wait_until_begun();
      has_begun = true;
    });
  }(path, begun));
  while (!begun) driver.step();
  std::thread other_end = open_other_end(path);
  driver.tear_down();
  other_end.join();
  for (const std::string& open : sweep::Resources::open_descriptors()) {
    EXPECT_EQ(open.find("fifo"), std::string::npos) << open;
  }
}

TEST(FileObserver, SeesEachOperationBeforeItBegins) {
  const TemporaryDirectory directory;
  std::vector<std::string> seen;
  run([](std::string path, std::vector<std::string>& actions) -> Task<> {
    Loop::current().back_end().observe_files([&actions](const FileCall& call) {
      actions.emplace_back(to_string(call.action));
      if (call.action == FileAction::rename) {
        EXPECT_EQ(contents_of(*call.path), "x");  // what came before has taken effect
        EXPECT_TRUE(std::filesystem::exists(*call.path));
      }
    });
    {
      File file = co_await File::open(path, OpenMode::create);
      const std::string text = "x";
      co_await file.write_at(std::as_bytes(std::span(text)), 0);
    }
    co_await rename_file(path, path + "2");
    Loop::current().back_end().observe_files({});
    co_await file_exists(path);
  }(directory / "file", seen));
  EXPECT_EQ(seen, (std::vector<std::string>{"open", "write", "rename"}));
}

}  // namespace
}  // namespace coracle
