// Entries that are read back from the log on a simulated disk, also while it is written. (B33)
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "raft/disk_log.h"
#include "runtime/error.h"
#include "runtime/random.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/raft/log_server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// B33: an entry that the disk has lost is an error, and not the end of the log.
TEST(DiskLogReading, AnEntryThatCannotBeReadIsAnError) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  const auto program = [&]() -> Task<> {
    co_await make_directory("/data");
    DiskLog log = co_await DiskLog::open("/data", kNewServer);
    const Entry entry{.term = 1};
    std::vector<Change> two = appended(1, entry);
    two.push_back(appended(2, entry)[0]);
    co_await log.append(two, kServer);
    host.disk().flip_bit("/data/log/000000000000001.log", 4096 + record_bytes(0) + 40, 0);
    const std::vector<Entry> first = co_await log.read(1, 2, 10'000);
    EXPECT_EQ(first.size(), 1U);
    std::string said;
    try {
      co_await log.read(2, 2, 10'000);
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_EQ(said,
              "read /data/log/000000000000001.log (byte 4160 is no record of entry 2): "
              "Input/output error");
  };
  host.start(program);
  world.run();
  EXPECT_EQ(host.failure(), nullptr);
}

// Bytes of the entry, so that each can be told from all others.
Entry long_entry(LogIndex index, std::size_t bytes) {
  std::vector<std::byte> data(bytes, static_cast<std::byte>(index));
  if (bytes >= 2) data[1] = static_cast<std::byte>(index / 256);
  return {.term = 1, .data = data};
}

// A read takes from the disk about what it was asked for, and an entry that is longer by itself.
TEST(DiskLogReading, ALongEntryIsReadAloneAndAShortOneWithoutIt) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  const auto program = [&]() -> Task<> {
    co_await make_directory("/data");
    DiskLog log = co_await DiskLog::open("/data", kNewServer);
    std::vector<Change> batch = appended(1, long_entry(1, 10));
    batch.push_back(appended(2, long_entry(2, 3'000'000))[0]);
    batch.push_back(appended(3, long_entry(3, 10))[0]);
    co_await log.append(batch, kServer);
    std::vector<std::size_t> reads;
    host.disk().observe([&](std::uint64_t, const FileCall& call) {
      if (call.action == FileAction::read) reads.push_back(call.into.size());
    });
    std::vector<Entry> found = co_await log.read(1, 3, 1000);
    EXPECT_EQ(found, std::vector<Entry>{long_entry(1, 10)});
    EXPECT_EQ(reads, std::vector<std::size_t>{EntryIndex::kRowBytes + 1000});
    reads.clear();
    found = co_await log.read(2, 3, 1000);
    EXPECT_EQ(found, std::vector<Entry>{long_entry(2, 3'000'000)});
    EXPECT_EQ(reads, (std::vector<std::size_t>{EntryIndex::kRowBytes + 1000, kRecordHeaderBytes,
                                               record_bytes(3'000'000)}));
    found = co_await log.read(3, 3, 0);
    EXPECT_EQ(found, std::vector<Entry>{long_entry(3, 10)}) << "at least one, whatever is asked";
    found = co_await log.read(1, 3, static_cast<std::size_t>(-1));
    EXPECT_EQ(found.size(), 3U) << "and no more than there is";
    host.disk().observe({});
  };
  host.start(program);
  world.run();
  EXPECT_EQ(host.failure(), nullptr);
}

// Of a log with more segments than that, few files stay open.
constexpr std::size_t kOpenMax = SegmentFiles::kOpenMax + 1;

// Readers everywhere in the log, while it is appended to; each finds what was written there.
TEST(DiskLogReading, IsReadBySeveralWhileItIsWritten) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  int overlapping = 0;
  std::size_t open_most = 0;
  const auto program = [&]() -> Task<> {
    co_await make_directory("/data");
    DiskLog log = co_await DiskLog::open("/data", kNewServer, kSmall);
    bool appending = false;
    const auto append = [&]() -> Task<> {
      for (LogIndex index = 1; index <= 400; ++index) {
        const std::vector<Change> one = appended(index, long_entry(index, index * 7 % 300));
        appending = true;
        co_await log.append(one, kServer);
        appending = false;
        if (index % 8 == 0) co_await sleep_for(1ms);
      }
    };
    const auto read = [&](std::uint64_t seed) -> Task<> {
      Random random(seed);
      for (int i = 0; i < 300; ++i) {
        co_await sleep_for(std::chrono::microseconds(random.below(3000)));
        if (log.last_index() == 0) continue;
        const LogIndex first = 1 + random.below(log.last_index());
        const LogIndex last = first + random.below(log.last_index() - first + 1);
        const std::size_t bytes_max = random.below(3000);
        const std::vector<Entry> found = co_await log.read(first, last, bytes_max);
        if (appending) ++overlapping;
        EXPECT_FALSE(found.empty());
        EXPECT_LE(found.size(), last - first + 1);
        std::size_t bytes = 0;
        for (const Entry& entry : found) bytes += record_bytes(entry.data.size());
        EXPECT_TRUE(found.size() == 1 || bytes <= bytes_max) << bytes << " of " << bytes_max;
        for (LogIndex index = first; index < first + found.size(); ++index) {
          EXPECT_TRUE(found[index - first] == long_entry(index, index * 7 % 300)) << index;
        }
        open_most = std::max(open_most, host.disk().open_descriptors());
      }
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("append", std::cref(append));
      for (std::uint64_t seed = 1; seed <= 3; ++seed) group.spawn("read", std::cref(read), seed);
      co_return;
    });
    EXPECT_GT(host.disk().list("/data/log").size(), 10U);
  };
  host.start(program);
  world.run();
  EXPECT_EQ(host.failure(), nullptr);
  EXPECT_GT(overlapping, 100);
  EXPECT_LE(open_most, kOpenMax + 3) << "besides those that are still being read";
}

}  // namespace
}  // namespace coracle::raft
