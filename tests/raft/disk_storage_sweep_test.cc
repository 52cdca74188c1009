// A server's directory on a simulated disk: batches of all kinds of changes, and whatever happens
// to disk, process and machine. What is found is always what the first so many changes make, with
// all that were told to be durable. (D1 to D5, D9, D10, B01, B02, B50, B55)
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "raft/disk_storage.h"
#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/sim/simulation.h"
#include "tests/raft/storage_history.h"

namespace coracle::raft {
namespace {

constexpr std::string_view kDirectory = "/srv/data";

// A host with a server.
struct Server {
  Server(std::uint64_t seed, int batches)
      : world(seed), host(world.add_host("a")), history(seed, batches) {
    const auto live = [this]() -> Task<> {
      try {
        co_await history.live(std::string(kDirectory));
      } catch (const Error& error) {
        said = error.what();
        if (!host.disk().met_fault()) throw;
      }
    };
    host.start(live);
  }

  // Runs until it has ended.
  void run() {
    said.clear();
    world.run();
    if (host.failure() == nullptr) return;
    ADD_FAILURE() << "seed " << world.seed() << ": " << describe_exception(host.failure());
  }
  // Starts it again and again, until it has done all it wanted to.
  void run_lives(int lives_max) {
    for (int lives = 0; lives < lives_max && !history.over(); ++lives) {
      if (lives > 0) host.restart();
      run();
    }
    EXPECT_TRUE(history.over());
  }

  sim::Simulation world;
  sim::Host& host;
  StorageHistory history;
  std::string said;  // why the last life ended
};

TEST(DiskStorageSweep, KeepsWhatItIsGivenOverManySegments) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Server server(seed, 100);
    server.run();
    EXPECT_TRUE(server.history.over());
    EXPECT_GT(server.host.disk().list("/srv/data/log").size(), 5U);
    server.host.restart();  // and finds it all
    server.run();
  }
}

// ---- Crashes (D1, D2, D9, D10, B01, B02, B50) ----

enum class Crash { process, machine, process_then_machine };

// Each operation of a life, the first start included, is the one in which it ends, once.
void crash_everywhere(Crash how) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " operation " + std::to_string(nth));
      Server server(seed, 10);
      bool crashed = false;
      server.host.disk().observe([&](std::uint64_t operation, const FileCall&) {
        const bool again = how == Crash::process_then_machine && crashed;
        if (operation != nth && !(again && operation == nth + 3 + seed * 2)) return;
        if (how == Crash::machine || again) {
          server.host.crash_machine();
        } else {
          server.host.crash();
        }
        crashed = true;
      });
      server.run_lives(4);
      if (testing::Test::HasFailure()) return;
      if (!crashed) break;
    }
  }
}

TEST(DiskStorageSweep, SurvivesACrashOfTheProcessAtEachOperation) {
  crash_everywhere(Crash::process);
}

TEST(DiskStorageSweep, SurvivesALossOfPowerAtEachOperation) { crash_everywhere(Crash::machine); }

TEST(DiskStorageSweep, SurvivesALossOfPowerSoonAfterACrash) {
  crash_everywhere(Crash::process_then_machine);
}

TEST(DiskStorageSweep, SurvivesCrashesAtRandom) {
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
    server.run_lives(1000);
    if (testing::Test::HasFailure()) return;
  }
}

// ---- A disk that fails (D3, D5, B56) ----

// The nth operation fails, for every n: the life ends with an error that names the file; the next
// one finds all that was told to be durable, also after a loss of power.
void fail_everywhere(int error, bool power_goes_too) {
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("errno " + std::to_string(error) + " operation " + std::to_string(nth));
    Server server(nth % 7 + 1, 10);
    server.host.disk().fail({.error = error, .nth = nth});
    server.run();
    const bool met = server.host.disk().met_fault();
    if (met) {
      EXPECT_FALSE(server.history.over());
      EXPECT_NE(server.said.find(" /"), std::string::npos) << "where: " << server.said;
      EXPECT_NE(server.said.find(": "), std::string::npos) << "why: " << server.said;
    }
    if (power_goes_too) {
      std::uint64_t last = 1 + nth % 50;
      server.host.disk().observe([&](std::uint64_t operation, const FileCall&) {
        if (operation == last) server.host.crash_machine();
      });
      server.host.restart();
      server.run();
      server.host.disk().observe({});
    }
    if (!server.history.over()) {
      server.host.restart();
      server.run_lives(1);
    }
    if (!met || testing::Test::HasFailure()) return;
  }
}

TEST(DiskStorageSweep, SurvivesAnErrorOfAnyOperation) {
  for (const int error : {ENOSPC, EIO, EMFILE, ENOMEM}) fail_everywhere(error, false);
}

// What a failed sync has left in the page cache only is not taken for durable. (D10)
TEST(DiskStorageSweep, SurvivesALossOfPowerSoonAfterAnError) {
  for (const int error : {ENOSPC, EIO}) fail_everywhere(error, true);
}

TEST(DiskStorageSweep, SurvivesADiskThatIsFull) {
  for (std::uint64_t capacity = 0; capacity < 60'000; capacity += 700) {
    SCOPED_TRACE("capacity " + std::to_string(capacity));
    Server server(1 + capacity % 5, 30);
    server.host.disk().set_capacity(capacity);
    server.run();
    server.host.disk().set_capacity({});
    if (!server.history.over()) server.host.restart();
    server.run_lives(1);
    if (testing::Test::HasFailure()) return;
  }
}

// ---- Damage (D4, B55, B57) ----

// A bit of the durable files is flipped while the server is down. It starts with all that it had,
// or it says which byte of which file is wrong, or it starts without its last batch, where nothing
// was written later that knew of it.
TEST(DiskStorageSweep, AFlippedBitIsCuredOrRefusedOrCutsTheVeryTail) {
  int refused = 0;
  int cured = 0;
  int cut = 0;
  for (std::uint64_t seed = 1; seed <= 800; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Server server(seed, 25);
    ChangeNumber before_last = 0;  // the change before the last write, where that was of the log
    server.host.disk().observe([&](std::uint64_t, const FileCall& call) {
      if (call.action != FileAction::write) return;
      const bool of_log = call.path->find("/log/") != std::string::npos;
      before_last = of_log ? server.history.durable() : ChangeNumber{0};
    });
    server.run();
    const ChangeNumber last = server.history.durable();
    if (before_last == 0) before_last = last;
    server.history.allow_loss_behind(before_last);
    const auto flipped = server.host.disk().flip_drawn_bit(kDirectory);
    const auto open = [&]() -> Task<> {
      try {
        DiskStorage storage =
            co_await DiskStorage::open(kDirectory, StorageHistory::kCluster, StorageHistory::kSelf,
                                       StorageHistory::kSmallSegments);
        co_await server.history.expect_found(storage);
        if (!storage.damages().empty()) ++(storage.recovered().change < last ? cut : cured);
        EXPECT_TRUE(storage.recovered().change == last || !storage.damages().empty());
      } catch (const Error& error) {
        ++refused;
        const std::string text = error.what();
        EXPECT_TRUE(text.starts_with("start on /srv/data/log (byte ")) << text;
        EXPECT_NE(text.find(flipped->path.substr(flipped->path.rfind('/') + 1)), std::string::npos)
            << text << ", flipped in " << flipped->path;
      }
    };
    server.host.start(open);
    server.run();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(refused, 50);
  EXPECT_GT(cured, 50);
  EXPECT_GT(cut, 0);
}

}  // namespace
}  // namespace coracle::raft
