// The log on a simulated disk: what is told to be durable is found again, whatever happens, and
// what is found is what was written. (D1 to D5, D9, D10, B33, B50, B56)
#include "raft/disk_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/sim/simulation.h"
#include "tests/raft/log_server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// What a server has done to its log in all its lives, as its peers know it.
class History {
 public:
  explicit History(std::uint64_t seed, int batches) : random_(seed), batches_left_(batches) {
    states_[0] = {};
  }

  // One life: checks what is found, and goes on from there.
  Task<> live() {
    DiskLog log = co_await DiskLog::open("/data", made_ ? kServer : kNewServer, kSmall);
    made_ = true;
    EXPECT_GE(log.change(), durable_) << "what was durable is lost";
    EXPECT_LE(log.change(), attempted_) << "nobody has written this";
    co_await expect_state(log);
    entries_ = states_[log.change()];
    durable_ = log.change();
    while (batches_left_ > 0) {
      const std::vector<Change> batch = next_batch(entries_);
      co_await log.append(batch, kServer);
      durable_ = attempted_;
      --batches_left_;
    }
    co_await expect_state(log);
  }

  [[nodiscard]] bool over() const { return batches_left_ == 0; }

 private:
  Task<> expect_state(DiskLog& log) {
    const std::vector<Entry>& expected = states_[log.change()];
    EXPECT_EQ(log.last_index(), expected.size());
    std::vector<Entry> found;
    while (found.size() < log.last_index()) {
      const std::size_t bytes_max = 1 + random_.below(1000);
      const std::vector<Entry> some =
          co_await log.read(found.size() + 1, log.last_index(), bytes_max);
      EXPECT_FALSE(some.empty());
      found.insert(found.end(), some.begin(), some.end());
    }
    EXPECT_TRUE(found == expected) << "after change " << log.change();
  }

  // Notes the state after each change; some of them may be all that is found.
  std::vector<Change> next_batch(std::vector<Entry>& entries) {
    std::vector<Change> batch;
    const std::uint64_t changes = 1 + random_.below(5);
    for (std::uint64_t i = 0; i < changes; ++i) {
      Change change{.number = ++attempted_};
      if (!entries.empty() && random_.chance(0.2)) {
        entries.resize(random_.below(entries.size() + 1));
        ++term_;  // truncations come with a new leader
        const Term last = entries.empty() ? 0 : entries.back().term;
        change.what = Truncation{.last = {.term = last, .index = entries.size()}};
      } else {
        entries.push_back(new_entry());
        change.what = AppendedEntry{.index = entries.size(), .entry = entries.back()};
      }
      batch.push_back(change);
      states_[attempted_] = entries;
    }
    return batch;
  }

  Entry new_entry() {
    Entry entry{.term = term_, .kind = EntryKind::command};
    entry.log_time = static_cast<std::int64_t>(random_.next());
    const bool is_long = random_.chance(0.05);  // longer than a segment
    std::vector<std::byte> data(is_long ? 3000 : random_.below(300));
    for (std::byte& byte : data) byte = static_cast<std::byte>(random_.next());
    entry.data = data;
    return entry;
  }

  Random random_;
  int batches_left_;
  bool made_ = false;
  std::map<ChangeNumber, std::vector<Entry>> states_;
  ChangeNumber durable_ = 0;
  ChangeNumber attempted_ = 0;
  Term term_ = 1;
  std::vector<Entry> entries_;
};

// A host with such a server.
struct Server {
  Server(std::uint64_t seed, int batches)
      : world(seed), host(world.add_host("a")), history(seed, batches) {
    const auto live = [this]() -> Task<> {
      co_await make_directory("/data");
      co_await sync_directory("/");
      try {
        co_await history.live();
      } catch (const Error&) {  // its disk has failed
        if (!host.disk().met_fault()) throw;
      }
    };
    host.start(live);
  }

  // Runs until it has ended.
  void run() {
    world.run();
    if (host.failure() == nullptr) return;
    ADD_FAILURE() << "seed " << world.seed() << ": " << describe_exception(host.failure());
  }

  sim::Simulation world;
  sim::Host& host;
  History history;
};

TEST(DiskLogTest, KeepsEntriesAndTruncationsOverManySegments) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Server server(seed, 100);
    server.run();
    EXPECT_TRUE(server.history.over());
    EXPECT_GT(server.host.disk().list("/data/log").size(), 5U);
    server.host.restart();  // and finds it all
    server.run();
  }
}

enum class Crash { process, machine, process_then_machine };

// Each operation of a life is the one in which it ends, once. (D1, D2, D10)
void crash_everywhere(Crash how) {
  for (std::uint64_t nth = 1;; ++nth) {
    Server server(nth % 7 + 1, 12);
    bool crashed = false;
    server.host.disk().observe([&](std::uint64_t operation, const FileCall&) {
      const bool again = how == Crash::process_then_machine && crashed;
      if (operation != nth && !(again && operation == nth + 9)) return;
      if (how == Crash::machine || again) {
        server.host.crash_machine();
      } else {
        server.host.crash();
      }
      crashed = true;
    });
    for (int lives = 0; lives < 4 && !server.history.over(); ++lives) {
      if (lives > 0) server.host.restart();
      server.run();
    }
    EXPECT_TRUE(server.history.over()) << "operation " << nth;
    if (!crashed || testing::Test::HasFailure()) break;
  }
}

TEST(DiskLogTest, SurvivesACrashOfTheProcessAtEachOperation) { crash_everywhere(Crash::process); }

TEST(DiskLogTest, SurvivesALossOfPowerAtEachOperation) { crash_everywhere(Crash::machine); }

TEST(DiskLogTest, SurvivesALossOfPowerSoonAfterACrash) {
  crash_everywhere(Crash::process_then_machine);
}

TEST(DiskLogTest, SurvivesCrashesAtRandom) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Server server(seed, 60);
    Random random(seed);
    std::uint64_t next = 1 + random.below(400);
    server.host.disk().observe([&](std::uint64_t operation, const FileCall&) {
      if (operation < next) return;
      next = operation + 1 + random.below(400);
      random.chance(0.5) ? server.host.crash() : server.host.crash_machine();
    });
    for (int lives = 0; lives < 1000 && !server.history.over(); ++lives) {
      if (lives > 0) server.host.restart();
      server.run();
    }
    EXPECT_TRUE(server.history.over());
    if (testing::Test::HasFailure()) break;
  }
}

// D3, D10: a datasync fails, the server ends, and starts again: what it reads then may stand in the
// page cache only, and Linux takes it for written. Then the power goes.
TEST(DiskLogTest, SurvivesAFailedSyncBehindACrash) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Server server(seed, 30);
    Random random(seed);
    server.host.disk().fail({.action = FileAction::datasync, .nth = 1 + random.below(30)});
    server.run();
    server.host.restart();
    std::uint64_t last = 20 + random.below(60);
    server.host.disk().observe([&](std::uint64_t operation, const FileCall&) {
      if (operation == last) server.host.crash_machine();
    });
    for (int lives = 0; lives < 5 && !server.history.over(); ++lives) {
      if (lives > 0) server.host.restart();
      server.run();
    }
    EXPECT_TRUE(server.history.over());
    if (testing::Test::HasFailure()) break;
  }
}

// D3, B56: no second try, whatever the disk would say to it.
TEST(DiskLogTest, AFailureIsFatalForGood) {
  for (const FileAction action : {FileAction::write, FileAction::datasync}) {
    sim::Simulation world(1);
    sim::Host& host = world.add_host("a");
    const auto program = [&]() -> Task<> {
      co_await make_directory("/data");
      DiskLog log = co_await DiskLog::open("/data", kNewServer);
      const Entry entry{.term = 1};
      const std::vector<Change> one = appended(1, entry);
      host.disk().fail({.action = action});
      std::vector<std::string> errors;
      for (int i = 0; i < 2; ++i) {
        try {
          co_await log.append(one, kServer);
        } catch (const Error& error) {
          errors.emplace_back(error.what());
        }
      }
      EXPECT_EQ(errors.size(), 2U);
      EXPECT_NE(errors.at(0).find("Input/output error"), std::string::npos) << errors[0];
      EXPECT_NE(errors.at(1).find("was not completed"), std::string::npos) << errors[1];
      EXPECT_EQ(log.last_index(), 0U);
    };
    host.start(program);
    world.run();
    EXPECT_EQ(host.failure(), nullptr);
  }
}

// A bit of the durable log is flipped while the server is down. It starts with all that it had, or
// with all but its last batch, or it says which byte of which file is wrong. Never with less or
// something else. (D4)
TEST(DiskLogTest, AFlippedBitIsCutOffOrRefused) {
  int refused = 0;
  int cut = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::Simulation world(seed);
    sim::Host& host = world.add_host("a");
    LogIndex written = 0;
    const auto write = [&]() -> Task<> {
      co_await make_directory("/data");
      DiskLog log = co_await DiskLog::open("/data", kNewServer, kSmall);
      const Entry entry{.term = 1, .data = std::vector<std::byte>(100, std::byte{5})};
      for (; written < 50; ++written) {
        const std::vector<Change> one = appended(written + 1, entry);
        co_await log.append(one, kServer);
      }
    };
    host.start(write);
    world.run();
    host.disk().flip_drawn_bit("/data/log");
    const auto open = [&]() -> Task<> {
      try {
        const DiskLog log = co_await DiskLog::open("/data", kServer, kSmall);
        EXPECT_GE(log.last_index(), written - 1);
        if (log.last_index() < written) {
          ++cut;
          EXPECT_EQ(log.damages().size(), 1U);
        }
      } catch (const Error& error) {
        ++refused;
        const std::string text = error.what();
        EXPECT_TRUE(text.starts_with("start on /data/log (byte ")) << text;
        EXPECT_NE(text.find(".log "), std::string::npos) << text;
      }
    };
    host.start(open);
    world.run();
    EXPECT_EQ(host.failure(), nullptr);
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(cut, 0);
}

}  // namespace
}  // namespace coracle::raft
