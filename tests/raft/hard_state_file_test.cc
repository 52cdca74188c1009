// Term and vote on a disk: V2, D1, D3, D4, D7, D10, and B01, B02, B56.
#include "raft/hard_state_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "runtime/error.h"
#include "tests/raft/disk_faults.h"
#include "tests/raft/with_directory.h"

namespace coracle::raft {
namespace {

using Calls = std::vector<std::string>;
constexpr ClusterId kTheCluster = 7;

// Returns what stands between the first and the last call of storage itself: the lock writes too.
Calls calls_of_storage() {
  Calls calls = calls_made();
  std::erase_if(calls, [](const std::string& call) {
    return call.starts_with("write ") && call.ends_with(" @0") && call.size() < 11;
  });
  return calls;
}

// What a server does with it at each start.
Task<HardStateFile> begin_life(std::string directory) {
  HardStateFile storage = co_await HardStateFile::open(directory, kTheCluster, 3);
  co_await storage.start({});
  co_return storage;
}

Task<std::string> refusal(std::string directory, ClusterId cluster, ServerId self) {
  try {
    const HardStateFile storage = co_await HardStateFile::open(directory, cluster, self);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "";
}

TEST(HardStateFileTest, ANewDirectoryIsMadeWholeOrNotAtAll) {
  run_with_directory([](std::string directory) -> Task<> {
    plan_fault({});
    const std::string path = directory + "/a/b";
    HardStateFile storage = co_await HardStateFile::open(path, kTheCluster, 3);
    // The names of all directories above it, the file, and its name.
    Calls expected(static_cast<std::size_t>(std::ranges::count(path, '/')), "sync directory");
    expected.insert(expected.end(), {"write 16384 @0", "sync", "rename", "sync directory"});
    EXPECT_EQ(calls_of_storage(), expected);
    EXPECT_EQ(storage.hard_state(), HardState());
    EXPECT_EQ(storage.record().log, LogMark());
    EXPECT_EQ(storage.identity().self, 3U);
    plan_fault({});
    const LogMark mark{.made = true};
    co_await storage.start(mark);
    EXPECT_EQ(calls_made(), (Calls{"write 8192 @8192", "sync"}));
    EXPECT_EQ(storage.record().log, mark);
    EXPECT_EQ(storage.identity().incarnation.start, 1U);
    EXPECT_NE(storage.identity().incarnation.directory, 0U);
  });
}

// D1: a start that crashed may have made the directory and not its name durable.
TEST(HardStateFileTest, AnEmptyDirectoryIsTakenForOneThatMayVanish) {
  run_with_directory([](std::string directory) -> Task<> {
    const std::string path = directory + "/a";
    co_await make_directory(path);
    plan_fault({});
    const HardStateFile storage = co_await HardStateFile::open(path, kTheCluster, 3);
    const auto calls = calls_of_storage();
    const auto levels = std::ranges::count(path, '/');
    EXPECT_EQ(std::ranges::count(calls, "sync directory"), levels + 1);
  });
}

// V2: one write of one record, one sync; D10: what was found is made durable before anything else.
TEST(HardStateFileTest, SavesWithOneWriteAndRecoversBeforeItSpeaks) {
  run_with_directory([](std::string directory) -> Task<> {
    Incarnation first;
    {
      HardStateFile storage = co_await begin_life(directory);
      first = storage.identity().incarnation;
      plan_fault({});
      const HardState voted{.term = 5, .vote = 2};
      co_await storage.save(voted, 4, 3);
      EXPECT_EQ(calls_made(), (Calls{"write 8192 @0", "sync"}));
      EXPECT_EQ(storage.hard_state(), voted);
      EXPECT_EQ(storage.change(), 4U);
    }
    plan_fault({});
    HardStateFile storage = co_await HardStateFile::open(directory, kTheCluster, 3);
    EXPECT_EQ(calls_of_storage(), (Calls{"write 4096 @4096", "sync",  // the copy of what was found
                                         "write 4096 @0", "sync",     // itself
                                         "sync directory"}));
    EXPECT_EQ(storage.hard_state(), (HardState{.term = 5, .vote = 2}));
    EXPECT_EQ(storage.change(), 4U);
    EXPECT_EQ(storage.record().log.change, 3U);
    plan_fault({});
    co_await storage.start({});
    EXPECT_EQ(calls_made(), (Calls{"write 8192 @8192", "sync"}));  // that it has started again
    EXPECT_EQ(storage.identity().incarnation,
              (Incarnation{.directory = first.directory, .start = 2}));
    EXPECT_TRUE(storage.damages().empty());
  });
}

// D7
TEST(HardStateFileTest, ADirectoryOfAnotherServerIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    const std::string ours = co_await refusal(directory, kTheCluster, 3);
    EXPECT_EQ(ours, "");
    const std::string cluster = co_await refusal(directory, kTheCluster + 1, 3);
    EXPECT_EQ(cluster, "start on " + directory +
                           " (this directory belongs to cluster 7, not to cluster 8): Operation "
                           "not permitted");
    const std::string server = co_await refusal(directory, kTheCluster, 4);
    EXPECT_NE(server.find("belongs to server 3, not to server 4"), std::string::npos) << server;
  });
}

// D4: a byte of each field of the newest record, in either slot, is flipped in turn: nothing is
// forgotten. (hard_state_test.cc flips each byte there is.)
TEST(HardStateFileTest, AFlippedByteIsCuredFromTheCopy) {
  run_with_directory([](std::string directory) -> Task<> {
    const std::string path = directory + "/hard_state";
    Term term = 0;
    for (std::size_t flipped = 0; flipped < 22; ++flipped) {
      const HardState voted{.term = ++term, .vote = 1 + term % 3};
      std::size_t offset = 0;
      {
        HardStateFile storage = co_await begin_life(directory);
        EXPECT_TRUE(storage.damages().empty()) << "the last one was cured";
        co_await storage.save(voted, term, 0);
        plan_fault({});
        co_await storage.save(voted, ++term, 0);
        offset = calls_made()[0] == "write 8192 @0" ? 0 : kPairBytes;
      }
      offset += flipped % 2 * kSlotBytes + (flipped < 20 ? flipped * 4 : kSlotBytes - 1);
      File file = co_await File::open(path, OpenMode::update);
      std::vector<std::byte> byte(1);
      co_await file.read_at(byte, offset);
      byte[0] ^= std::byte{4};
      co_await file.write_at(byte, offset);
      const HardStateFile storage = co_await HardStateFile::open(directory, kTheCluster, 3);
      EXPECT_EQ(storage.hard_state(), voted) << "byte " << offset;
      EXPECT_EQ(storage.damages().size(), 1U) << "byte " << offset;
    }
  });
}

// D8: a server that has lost its promises does not make new ones, because its log is there.
TEST(HardStateFileTest, ALogWithoutItIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    co_await make_directory(directory + "/log");
    const std::string empty = co_await refusal(directory, kTheCluster, 3);
    EXPECT_EQ(empty, "");
    co_await remove_file(directory + "/hard_state");
    {
      const File segment =
          co_await File::open(directory + "/log/000000000000007.log", OpenMode::create);
    }
    const std::string why = co_await refusal(directory, kTheCluster, 3);
    EXPECT_NE(why.find("hard_state is gone, and the log is there"), std::string::npos) << why;
    EXPECT_FALSE(std::filesystem::exists(directory + "/hard_state"));
  });
}

// Cut anywhere, it is refused, and left as it is.
TEST(HardStateFileTest, ACutFileIsRefused) {
  run_with_directory([](std::string directory) -> Task<> {
    const std::string path = directory + "/hard_state";
    const std::string ours = co_await refusal(directory, kTheCluster, 3);
    EXPECT_EQ(ours, "");
    for (std::uint64_t size = kHardStateFileBytes - 1; size > 1000; size = size * 4 / 5) {
      {
        File file = co_await File::open(path, OpenMode::update);
        co_await file.truncate(size);
      }
      const std::string why = co_await refusal(directory, kTheCluster, 3);
      EXPECT_NE(why.find("hard_state has " + std::to_string(size) + " bytes instead of 16384"),
                std::string::npos)
          << why;
      EXPECT_EQ(std::filesystem::file_size(path), size);
    }
  });
}

// D3, B56: no second try after a failure, whatever the disk would say to it.
TEST(HardStateFileTest, AFailedSyncIsFatalForGood) {
  for (const int failed : {1, 2}) {  // the write, the sync
    run_with_directory([failed](std::string directory) -> Task<> {
      HardStateFile storage = co_await begin_life(directory);
      plan_fault({.kind = DiskFault::Kind::fail, .nth = failed});
      const HardState voted{.term = 5, .vote = 2};
      std::string first;
      std::string second;
      try {
        co_await storage.save(voted, 1, 0);
      } catch (const Error& error) {
        first = error.what();
      }
      plan_fault({});
      try {
        co_await storage.save(voted, 2, 0);
      } catch (const Error& error) {
        second = error.what();
      }
      EXPECT_NE(first.find("Input/output error"), std::string::npos) << first;
      EXPECT_NE(second.find("a write before was not completed"), std::string::npos) << second;
      EXPECT_EQ(calls_made(), Calls{}) << "the disk was not asked again";
    });
  }
}

// ---- Processes that die ----

// A record as a line through a pipe: what a process tells others once it may.
struct Told {
  HardState hard_state;
  std::uint64_t start = 0;
};

// Runs `body(descriptor)` in a process of its own, with a pipe to write to.
//   Returns    its exit status, and all that it told.
template <class Body>
std::pair<int, std::vector<Told>> in_child(Body body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    body(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::vector<Told> told;
  Told one;
  while (::read(ends[0], &one, sizeof one) == sizeof one) told.push_back(one);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, told};
}

// Opens the directory, tells what it found, and votes `votes` times, telling each vote once it may.
Task<> live(std::string directory, int pipe, Term votes) {
  HardStateFile storage = co_await begin_life(directory);
  Told told{.hard_state = storage.hard_state(), .start = storage.identity().incarnation.start};
  (void)!::write(pipe, &told, sizeof told);
  for (Term vote = 0; vote < votes; ++vote) {
    ++told.hard_state.term;
    told.hard_state.vote = 1 + told.hard_state.term % 5;
    co_await storage.save(told.hard_state, storage.change() + 1, 0);
    (void)!::write(pipe, &told, sizeof told);
  }
}

void run_life(const std::string& directory, int pipe, Term votes, DiskFault fault) {
  plan_fault(fault);
  run(live(directory, pipe, votes));
}

// D1, B01, B02: dies at the nth file operation, for every n, before it or in the middle of it; the
// next life, which dies too, and the one after that find the old record or the new one, never less
// than what was told.
TEST(HardStateFileTest, NoProcessDeathForgetsWhatWasTold) {
  const std::string root = std::filesystem::temp_directory_path() / "coracle-lives-XXXXXX";
  std::string directory = root;
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  for (const auto kind : {DiskFault::Kind::die_before, DiskFault::Kind::die_within}) {
    std::size_t deaths = 0;
    for (int nth = 1;; ++nth) {
      const std::string data =
          directory + "/" + std::to_string(static_cast<int>(kind)) + "-" + std::to_string(nth);
      Told last;
      std::size_t died = 0;
      for (const int at : {nth, nth, 0}) {  // two lives with the fault, then one without
        const auto [status, told] = in_child([&](int pipe) {
          run_life(data, pipe, 3, {.kind = at == 0 ? DiskFault::Kind::none : kind, .nth = at});
        });
        ASSERT_TRUE(status == 0 || status == kDiedOfFault) << "operation " << nth;
        if (status == kDiedOfFault) ++died;
        for (const Told& one : told) {
          const Term ahead = one.hard_state.term - last.hard_state.term;
          ASSERT_LE(ahead, 1U) << "operation " << nth << ": a term was forgotten or made up";
          if (ahead == 0) {
            ASSERT_EQ(one.hard_state, last.hard_state) << "operation " << nth;
          }
          ASSERT_GE(one.start, last.start);
          last = one;
        }
        if (at == 0) {
          ASSERT_EQ(told.size(), 4U) << "the last life gets through";
        }
      }
      deaths += died;
      if (died == 0) break;
    }
    EXPECT_GE(deaths, 20U) << "faults were met";
  }
  std::filesystem::remove_all(directory);
}

// A directory is held by one process; the second says who holds it.
TEST(HardStateFileTest, ASecondProcessOnOneDirectoryIsRefused) {
  std::string directory = std::filesystem::temp_directory_path() / "coracle-lock-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  int held[2];
  int release[2];
  ASSERT_EQ(::pipe(held), 0);
  ASSERT_EQ(::pipe(release), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    ::close(release[1]);
    run([](std::string path, int ready, int wait) -> Task<> {
      const HardStateFile storage = co_await HardStateFile::open(path, kTheCluster, 3);
      char byte = 1;
      (void)!::write(ready, &byte, 1);
      (void)!::read(wait, &byte, 1);
    }(directory, held[1], release[0]));
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(held[0], &byte, 1), 1);
  std::string why;
  run([](std::string path, std::string& told) -> Task<> {
    told = co_await refusal(path, kTheCluster, 3);
  }(directory, why));
  EXPECT_NE(why.find("held by process " + std::to_string(holder)), std::string::npos) << why;
  ::close(release[1]);
  ::waitpid(holder, nullptr, 0);
  run([](std::string path, std::string& told) -> Task<> {
    told = co_await refusal(path, kTheCluster, 3);
  }(directory, why));
  EXPECT_EQ(why, "") << "and is free when that has ended";
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace coracle::raft
