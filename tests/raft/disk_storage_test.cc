// A server's directory: how it is written, and what is refused. disk_storage_sweep_test.cc has the
// crashes. (D3, D6, D7, D8, B56, B57)
#include "raft/disk_storage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/timeout.h"
#include "tests/raft/storage_history.h"
#include "tests/raft/with_directory.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;
constexpr ClusterId kCluster = StorageHistory::kCluster;
constexpr ServerId kSelf = StorageHistory::kSelf;
constexpr std::string_view kDirectory = "/srv/data";

// Runs a program on a host of its own.
template <class Body>
void run_on(sim::Simulation& world, sim::Host& host, Body body) {
  host.start(body);
  world.run();
  if (host.failure() != nullptr) ADD_FAILURE() << describe_exception(host.failure());
}

Task<std::string> refusal(std::string directory, ClusterId cluster, ServerId self) {
  try {
    const DiskStorage storage = co_await DiskStorage::open(directory, cluster, self);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "";
}

Change vote(ChangeNumber number, Term term, ServerId server = kNobody) {
  return {.number = number, .what = HardState{.term = term, .vote = server}};
}

Change append(ChangeNumber number, LogIndex index, Term term, std::size_t bytes = 10) {
  const std::vector<std::byte> data(bytes, static_cast<std::byte>(index));
  return {.number = number,
          .what = AppendedEntry{.index = index, .entry = {.term = term, .data = data}}};
}

// ---- Without faults ----

TEST(DiskStorageTest, IsMovedToWhereItIsNeeded) {
  run_with_directory([](std::string directory) -> Task<> {
    DiskStorage here = co_await DiskStorage::open(directory, kCluster, kSelf);
    const Identity identity = here.identity();
    const std::unique_ptr<Storage> storage = std::make_unique<DiskStorage>(std::move(here));
    EXPECT_EQ(storage->identity(), identity);
    EXPECT_EQ(identity.incarnation.start, 1U);
    const std::vector<Change> batch{vote(1, 1), append(2, 1, 1)};
    co_await storage->write(batch);
    const std::vector<Entry> entries = co_await storage->read(1, 1, 1);
    EXPECT_EQ(entries.size(), 1U);
  });
}

// V2, group commit: a run of changes of one kind is one write and one sync.
TEST(DiskStorageTest, ARunOfChangesIsOneWriteAndOneSync) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  run_on(world, host, [&]() -> Task<> {
    DiskStorage storage = co_await DiskStorage::open(kDirectory, kCluster, kSelf);
    std::vector<std::string> calls;
    host.disk().observe([&](std::uint64_t, const FileCall& call) {
      const std::size_t slash = call.path->rfind('/');
      calls.push_back(std::string(to_string(call.action)) + call.path->substr(slash));
    });
    const std::vector<Change> batch{
        vote(1, 1),
        vote(2, 2),
        append(3, 1, 2),
        append(4, 2, 2),
        {.number = 5, .what = Truncation{.last = {.term = 2, .index = 1}}},
        append(6, 2, 2),
        vote(7, 2, 4)};
    co_await storage.write(batch);
    const std::string segment = "/000000000000001.log";
    EXPECT_EQ(calls, (std::vector<std::string>{"write/hard_state", "datasync/hard_state",
                                               "write" + segment, "datasync" + segment,
                                               "write/hard_state", "datasync/hard_state"}));
    host.disk().observe({});
  });
}

// ---- A disk that fails (D3, B56) ----

// B56: no second try, whatever the disk would say to it; and the reason is said again.
TEST(DiskStorageTest, AFailureIsFatalForGood) {
  struct Case {
    FileAction action;
    bool log;
    std::string path;
  };
  for (const Case& fault : {Case{FileAction::write, false, "hard_state"},
                            Case{FileAction::datasync, false, "hard_state"},
                            Case{FileAction::write, true, "log/000000000000001.log"},
                            Case{FileAction::datasync, true, "log/000000000000001.log"}}) {
    sim::Simulation world(1);
    sim::Host& host = world.add_host("a");
    run_on(world, host, [&]() -> Task<> {
      DiskStorage storage = co_await DiskStorage::open(kDirectory, kCluster, kSelf);
      const std::vector<Change> first{vote(1, 1)};
      co_await storage.write(first);
      host.disk().fail({.action = fault.action});
      std::vector<std::string> said;
      for (int i = 0; i < 3; ++i) {
        const std::vector<Change> one{fault.log != (i > 0) ? append(2, 1, 1) : vote(2, 2)};
        try {
          co_await storage.write(one);
        } catch (const Error& error) {
          said.emplace_back(error.what());
        }
        host.disk().observe([](std::uint64_t, const FileCall&) { ADD_FAILURE() << "asked again"; });
      }
      host.disk().observe({});
      const std::string cause = std::string(to_string(fault.action)) + " /srv/data/" + fault.path +
                                ": Input/output error";
      const std::string later =
          "write /srv/data (an earlier write failed, so nothing is known of what is on the disk: " +
          cause + "): Input/output error";
      EXPECT_EQ(said, (std::vector<std::string>{cause, later, later}));
    });
  }
}

TEST(DiskStorageTest, ACanceledWriteIsTheLastOne) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  run_on(world, host, [&]() -> Task<> {
    DiskStorage storage = co_await DiskStorage::open(kDirectory, kCluster, kSelf);
    host.disk().slow_down(1s);
    const std::vector<Change> first{vote(1, 1), append(2, 1, 1)};
    const bool done = co_await within(1500ms, storage.write(first));
    EXPECT_FALSE(done);
    std::string said;
    try {
      const std::vector<Change> second{vote(3, 2)};
      co_await storage.write(second);
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_NE(said.find("an earlier write was canceled"), std::string::npos) << said;
  });
}

// ---- Directories of others, and what is gone (D6, D7, D8) ----

TEST(DiskStorageTest, ASecondServerOnOneDirectoryIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    const DiskStorage storage = co_await DiskStorage::open(directory, kCluster, kSelf);
    const std::string why = co_await refusal(directory, kCluster, kSelf);  // D6
    EXPECT_NE(why.find("LOCK (held by process "), std::string::npos) << why;
  });
}

TEST(DiskStorageTest, ADirectoryOfAnotherServerIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    std::string why = co_await refusal(directory, kCluster, kSelf);
    EXPECT_EQ(why, "");
    why = co_await refusal(directory, kCluster + 1, kSelf);  // D7
    EXPECT_NE(why.find("belongs to cluster 7, not to cluster 8"), std::string::npos) << why;
    why = co_await refusal(directory, kCluster, kSelf + 1);
    EXPECT_NE(why.find("belongs to server 3, not to server 4"), std::string::npos) << why;
  });
}

// The log of another directory of this same server was put in place of its own.
TEST(DiskStorageTest, ALogOfAnotherDirectoryIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    for (const std::string name : {"/a", "/b"}) {
      DiskStorage storage = co_await DiskStorage::open(directory + name, kCluster, kSelf);
      const std::vector<Change> batch{vote(1, 1), append(2, 1, 1)};
      co_await storage.write(batch);
    }
    co_await remove_tree(directory + "/b/log");
    co_await rename_file(directory + "/a/log", directory + "/b/log");
    const std::string why = co_await refusal(directory + "/b", kCluster, kSelf);
    EXPECT_NE(why.find("comes from another directory of this server"), std::string::npos) << why;
  });
}

// D8: a server that had a log never starts without it as if it were new, and changes nothing.
TEST(DiskStorageTest, APartThatIsGoneIsMissed) {
  struct Case {
    std::string gone;
    std::string said;
  };
  const std::vector<Case> cases{
      {"/log", "/log (the log is gone. Without it"},
      {"/log/000000000000001.log", "000000000000002.log comes without segment 1"},
      {"/log/000000000000002.log", "000000000000003.log comes without segment 2"},
      {"/log/000000000000003.log",
       "is where the log ends, with change 3; hard_state tells that "
       "change 4 of the log was durable. Without it"},
      {"/hard_state", " (hard_state is gone, and the log is there. Without it"}};
  for (const Case& part : cases) {
    run_with_directory([&part](std::string directory) -> Task<> {
      {
        DiskStorage storage =
            co_await DiskStorage::open(directory, kCluster, kSelf, StorageHistory::kSmallSegments);
        const std::vector<Change> one{vote(1, 1), append(2, 1, 1, 2000)};
        co_await storage.write(one);
        const std::vector<Change> two{append(3, 2, 1, 2000)};
        co_await storage.write(two);
        const std::vector<Change> three{append(4, 3, 1, 2000), vote(5, 2)};
        co_await storage.write(three);
      }
      co_await remove_tree(directory + part.gone);
      const std::vector<std::string> before = co_await list_directory(directory);
      for (int again = 0; again < 2; ++again) {
        const std::string why = co_await refusal(directory, kCluster, kSelf);
        EXPECT_NE(why.find(part.said), std::string::npos) << part.gone << ": " << why;
      }
      const std::vector<std::string> after = co_await list_directory(directory);
      EXPECT_EQ(before, after);
    });
  }
}

// The newest record of hard_state is damaged in both copies: the one before it is intact, but the
// log knows better.
TEST(DiskStorageTest, AnOlderHardStateIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    {
      DiskStorage storage = co_await DiskStorage::open(directory, kCluster, kSelf);
      const std::vector<Change> batch{vote(1, 1), vote(2, 2)};
      co_await storage.write(batch);  // saved as 2: the first pair
      const std::vector<Change> more{vote(3, 2, 4), append(4, 1, 2)};
      co_await storage.write(more);  // saved as 3: the second pair
    }
    {
      File file = co_await File::open(directory + "/hard_state", OpenMode::update);
      const std::vector<std::byte> damage(1);
      co_await file.write_at(damage, 2 * kSlotBytes + 64);
      co_await file.write_at(damage, 3 * kSlotBytes + 64);
    }
    const std::string why = co_await refusal(directory, kCluster, kSelf);
    EXPECT_NE(why.find("was written behind change 3 of hard_state, which ends with change 2"),
              std::string::npos)
        << why;
  });
}

// ---- Damage (B57) ----

// B57: the same byte, once in the middle and once at the end, of logs that are the same otherwise.
TEST(DiskStorageTest, ADamagedMiddleIsNoTornTail) {
  for (const bool is_tail : {true, false}) {
    sim::Simulation world(1);
    sim::Host& host = world.add_host("a");
    run_on(world, host, [&]() -> Task<> {
      DiskStorage storage = co_await DiskStorage::open(kDirectory, kCluster, kSelf);
      const std::vector<Change> first{vote(1, 1), append(2, 1, 1)};
      co_await storage.write(first);
      if (is_tail) co_return;
      const std::vector<Change> second{append(3, 2, 1)};
      co_await storage.write(second);
    });
    host.disk().flip_bit("/srv/data/log/000000000000001.log", 4096 + 66, 1);
    run_on(world, host, [&]() -> Task<> {
      const std::string why = co_await refusal(std::string(kDirectory), kCluster, kSelf);
      if (is_tail) {
        EXPECT_EQ(why, "");
      } else {
        EXPECT_EQ(why,
                  "start on /srv/data/log (byte 4096 of 000000000000001.log is damaged: the record "
                  "at byte 4176 was written after it was durable): Operation not permitted");
      }
    });
  }
}

}  // namespace
}  // namespace coracle::raft
