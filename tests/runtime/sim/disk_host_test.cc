// Programs that use files on simulated hosts: what a crash, a fault or a hang at each disk
// operation means for them.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "runtime/directory_lock.h"
#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOld = "old content";
constexpr std::string_view kNew = "new content, longer than the old";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Replaces a file as it should be done: at each moment the name means one whole content.
Task<> replace_with_care(bool& replaced) {
  {
    File file = co_await File::open("/data/file.new", OpenMode::replace);
    co_await file.write_at(bytes_of(kNew), 0);
    co_await file.datasync();
  }
  co_await rename_file("/data/file.new", "/data/file");
  co_await sync_directory("/data");
  replaced = true;
}

Task<> replace_durably(bool& replaced) {
  {
    File file = co_await File::open("/data/file.new", OpenMode::replace);
    co_await file.write_durably_at(bytes_of(kNew), 0);
  }
  co_await rename_file("/data/file.new", "/data/file");
  co_await sync_directory("/data");
  replaced = true;
}

// The mistake that everybody makes once: the name is durable before the content is.
Task<> replace_without_datasync(bool& replaced) {
  {
    File file = co_await File::open("/data/file.new", OpenMode::replace);
    co_await file.write_at(bytes_of(kNew), 0);
  }
  co_await rename_file("/data/file.new", "/data/file");
  co_await sync_directory("/data");
  replaced = true;
}

struct Swept {
  std::set<std::string> found;   // what the file held after the crash
  bool kept_its_promise = true;  // once replaced, the new content was there
  std::uint64_t operations = 0;  // in which there was a crash
};

// Cuts the power in each operation of a program, and when it has ended, with several seeds.
Swept cut_power_everywhere(Task<> (*program)(bool&)) {
  Swept swept;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (std::uint64_t nth = 1;; ++nth) {
      bool replaced = false;
      Simulation world(seed);
      Host& host = world.add_host("a");
      host.disk().write_file("/data/file", kOld);
      host.disk().observe([&](std::uint64_t begun, const FileCall&) {
        if (begun == nth) host.crash_machine();
      });
      host.start(program, std::ref(replaced));
      world.run_for(1s);
      const bool ended = host.powered();
      host.crash_machine();
      const std::string content = host.disk().read_file("/data/file").value_or("(gone)");
      swept.found.insert(content);
      if (replaced && content != kNew) swept.kept_its_promise = false;
      EXPECT_EQ(host.disk().open_descriptors(), 0U);
      if (ended) break;
      swept.operations = std::max(swept.operations, nth);
    }
  }
  return swept;
}

TEST(DiskOnAHost, ACarefulReplacementIsWholeWhereverThePowerIsCut) {
  for (const auto program : {replace_with_care, replace_durably}) {
    const Swept swept = cut_power_everywhere(program);
    EXPECT_EQ(swept.operations, 5U);
    EXPECT_EQ(swept.found, (std::set<std::string>{std::string(kNew), std::string(kOld)}));
    EXPECT_TRUE(swept.kept_its_promise);
  }
}

TEST(DiskOnAHost, AReplacementWithoutADatasyncIsFoundOut) {
  const Swept swept = cut_power_everywhere(replace_without_datasync);
  EXPECT_EQ(swept.found.count(""), 1U);
  EXPECT_FALSE(swept.kept_its_promise);
}

void fail_each_operation(Task<> (*program)(bool&)) {
  std::set<std::string> failures;
  std::uint64_t nth = 1;
  for (;; ++nth) {
    bool replaced = false;
    Simulation world(/*seed=*/7);
    Host& host = world.add_host("a");
    host.disk().write_file("/data/file", kOld);
    host.disk().fail({.nth = nth});
    host.start(program, std::ref(replaced));
    world.run();
    if (!host.disk().met_fault()) break;
    EXPECT_FALSE(replaced);
    try {
      std::rethrow_exception(host.failure());
    } catch (const Error& error) {
      EXPECT_EQ(error.code().value(), EIO);
      failures.insert(error.operation());
    }
  }
  EXPECT_EQ(nth, 6U);
  EXPECT_EQ(failures,
            (std::set<std::string>{"open", "write", "datasync", "rename", "sync directory"}));
}

TEST(DiskOnAHost, EachOperationCanFail) {
  fail_each_operation(replace_with_care);
  fail_each_operation(replace_durably);
}

// Threads that were waited for begin when others end, which no program sees: also then.
TEST(DiskOnAHost, ThePowerIsCutWhenOneOfManyOperationsBegins) {
  constexpr std::uint64_t kOperations = 12;
  for (std::uint64_t nth = 1; nth <= 2 * kOperations; ++nth) {
    Simulation world(/*seed=*/nth);
    Host& host = world.add_host("a");
    host.disk().observe([&](std::uint64_t begun, const FileCall&) {
      if (begun == 1 + nth) host.crash_machine();
    });
    host.start([]() -> Task<> {
      File file = co_await File::open("/file", OpenMode::create);
      co_await task_group([&file](TaskGroup& group) -> Task<> {
        for (std::uint64_t i = 0; i < kOperations; ++i) {
          group.spawn("write", [&file, i]() -> Task<> {
            co_await file.write_durably_at(bytes_of(kNew), 1000 * i);
          });
        }
        co_return;
      });
    });
    world.run_for(1s);
    EXPECT_FALSE(host.powered());
    EXPECT_EQ(host.disk().open_descriptors(), 0U);
  }
}

TEST(DiskOnAHost, ACrashOfTheProcessAloneLosesNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation world(seed);
    Host& host = world.add_host("a");
    host.start([]() -> Task<> {
      File file = co_await File::open("/file", OpenMode::create);
      co_await file.write_at(bytes_of(kNew), 0);
      co_await sleep_for(1h);
    });
    world.run_for(1s);
    host.crash();
    EXPECT_EQ(host.disk().read_file("/file"), kNew);
    EXPECT_EQ(host.disk().read_file("/file", DiskView::durable), std::nullopt);
  }
}

TEST(DiskOnAHost, ALockEndsWithItsProcess) {
  Simulation world(/*seed=*/1);
  Host& host = world.add_host("a");
  host.start([]() -> Task<> {
    const DirectoryLock lock = co_await DirectoryLock::acquire("/tmp");
    co_await sleep_for(1h);
  });
  world.run_for(1s);
  EXPECT_EQ(host.disk().read_file("/tmp/LOCK"), "1\n");
  host.crash();
  host.restart();
  world.run_for(1s);
  EXPECT_TRUE(host.running());
  EXPECT_EQ(host.disk().read_file("/tmp/LOCK"), "2\n");
}

TEST(DiskOnAHost, AHangEndsWithItsRelease) {
  Simulation world(/*seed=*/1);
  Host& host = world.add_host("a");
  int written = 0;
  host.start(
      [](int& count) -> Task<> {
        File file = co_await File::open("/file", OpenMode::create);
        for (;; ++count) {
          co_await file.write_at(bytes_of(kNew), 0);
          co_await file.datasync();
        }
      },
      std::ref(written));
  world.run_for(1s);
  EXPECT_GT(written, 100);
  host.disk().hold();
  const int before = written;
  world.run_for(1h);
  EXPECT_EQ(written, before);
  host.disk().release();
  world.run_for(1s);
  EXPECT_GT(written, before + 100);
  host.disk().hold();
  world.run_for(1s);
  host.crash();  // while it waits
  host.restart();
  host.disk().heal();
  const int crashed = written;
  world.run_for(1s);
  EXPECT_GT(written, crashed + 100);
}

TEST(DiskOnAHost, EqualSeedsLeaveEqualTraces) {
  const auto run = [](std::uint64_t seed) {
    bool replaced = false;
    Simulation world(seed);
    Host& host = world.add_host("a");
    host.disk().write_file("/data/file", kOld);
    host.disk().fail_by_chance(0.05);
    for (int i = 0; i < 20; ++i) {
      if (host.running()) host.crash_machine();
      host.start(replace_with_care, std::ref(replaced));
      world.run_for(1ms);
    }
    return world.trace_hash();
  };
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t hash = run(seed);
    EXPECT_EQ(run(seed), hash);
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 20U);
}

}  // namespace
}  // namespace coracle::sim
