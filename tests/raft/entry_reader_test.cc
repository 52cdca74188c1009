// Entries read back for tasks that must not wait for a disk: order, cancellation, failure. B33.
#include "raft/entry_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/error.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// Takes 10 ms for each read, and fails those that begin with `broken`.
class SlowStorage final : public Storage {
 public:
  [[nodiscard]] Identity identity() const override { return {}; }
  [[nodiscard]] const Recovered& recovered() const override { return recovered_; }
  [[nodiscard]] const std::vector<std::string>& damages() const override { return damages_; }
  [[nodiscard]] Task<> write(std::span<const Change>) override { co_return; }
  [[nodiscard]] Task<std::vector<Entry>> read(LogIndex first, LogIndex last,
                                              std::size_t bytes_max) override {
    reads.push_back(std::to_string(first) + "-" + std::to_string(last) + " in " +
                    std::to_string(bytes_max));
    EXPECT_FALSE(reading_) << "one after the other";
    reading_ = true;
    co_await sleep_for(10ms);
    reading_ = false;
    if (first == broken) throw Error(EIO, "read", "(the log)");
    std::vector<Entry> entries;
    for (LogIndex index = first; index <= last; ++index) entries.push_back({.term = index});
    co_return entries;
  }

  std::vector<std::string> reads;
  LogIndex broken = 0;

 private:
  Recovered recovered_;
  std::vector<std::string> damages_;
  bool reading_ = false;
};

// One who reads, until `limit` has passed.
struct Reading {
  LogIndex first = 0;
  Duration limit = 1h;
  std::optional<std::vector<Entry>> entries{};
  TimePoint ended{};
};

Task<> read(EntryReader& reader, Reading& reading) {
  reading.entries =
      co_await within(reading.limit, reader.read(reading.first, reading.first + 1, 77));
  reading.ended = now();
}

// A host with a reader and some who read, who begin together, in their order.
struct Tried {
  SlowStorage storage;
  EntryReader reader{storage};
  std::vector<std::unique_ptr<Reading>> readings;
  sim::Simulation world{1};
  sim::Host& host = world.add_host("a");

  Reading& add(LogIndex first, Duration limit = 1h) {
    readings.push_back(std::make_unique<Reading>(Reading{.first = first, .limit = limit}));
    return *readings.back();
  }
  void start() { host.start(&Tried::live, this); }
  Task<> live() {
    co_await task_group([this](TaskGroup& group) -> Task<> {
      group.spawn("reader", &EntryReader::run, &reader);
      for (const auto& reading : readings) {
        group.spawn("read", read, std::ref(reader), std::ref(*reading));
      }
      co_return;
    });
  }
};

std::vector<Entry> terms(LogIndex first) { return {{.term = first}, {.term = first + 1}}; }
TimePoint at(Duration time) { return TimePoint(time); }

TEST(EntryReaderOfANode, ServesOneAfterTheOther) {
  Tried tried;
  const Reading& first = tried.add(5);
  const Reading& second = tried.add(1);
  const Reading& third = tried.add(9);
  tried.start();
  tried.world.run_for(29ms);
  EXPECT_EQ(first.entries, terms(5));
  EXPECT_EQ(first.ended, at(10ms));
  EXPECT_EQ(second.entries, terms(1));
  EXPECT_EQ(second.ended, at(20ms));
  EXPECT_FALSE(third.entries);
  tried.world.run_for(1ms);
  EXPECT_EQ(third.entries, terms(9));
  EXPECT_EQ(tried.storage.reads,
            (std::vector<std::string>{"5-6 in 77", "1-2 in 77", "9-10 in 77"}));
}

// Whoever is canceled ends at once, and neither waits for the disk nor makes it work.
TEST(EntryReaderOfANode, DropsWhatNobodyWaitsForAnyMore) {
  Tried tried;
  const Reading& canceled_in_time = tried.add(5, 4ms);
  const Reading& canceled_in_line = tried.add(1, 6ms);
  const Reading& patient = tried.add(9);
  tried.start();
  tried.world.run_for(1s);
  EXPECT_EQ(canceled_in_time.ended, at(4ms));
  EXPECT_FALSE(canceled_in_time.entries);
  EXPECT_EQ(canceled_in_line.ended, at(6ms));
  EXPECT_FALSE(canceled_in_line.entries);
  EXPECT_EQ(patient.ended, at(20ms)) << "the read that had begun is finished first";
  EXPECT_EQ(patient.entries, terms(9));
  EXPECT_EQ(tried.storage.reads, (std::vector<std::string>{"5-6 in 77", "9-10 in 77"}));
}

// B33: a failure is no shorter answer; it ends the node.
TEST(EntryReaderOfANode, EndsWithTheFailureOfTheDisk) {
  Tried tried;
  tried.storage.broken = 5;
  const Reading& first = tried.add(1);
  const Reading& broken = tried.add(5);
  const Reading& behind = tried.add(9);
  tried.start();
  tried.world.run_for(1s);
  EXPECT_EQ(first.entries, terms(1));
  EXPECT_FALSE(broken.entries);
  EXPECT_FALSE(behind.entries);
  EXPECT_FALSE(tried.host.running());
  ASSERT_TRUE(tried.host.failure());
  try {
    std::rethrow_exception(tried.host.failure());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::io_error);
  }
}

// Also where nobody waits for it any more: a disk that fails is of no use to anybody.
TEST(EntryReaderOfANode, EndsWithAFailureThatNobodyWaitsFor) {
  Tried tried;
  tried.storage.broken = 5;
  tried.add(5, 5ms);
  tried.start();
  tried.world.run_for(1s);
  EXPECT_TRUE(tried.host.failure());
}

TEST(EntryReaderOfANode, WaitsForWhoComesLater) {
  Tried tried;
  tried.start();
  tried.world.run_for(1s);
  EXPECT_TRUE(tried.host.running());
  EXPECT_TRUE(tried.storage.reads.empty());
}

}  // namespace
}  // namespace coracle::raft
