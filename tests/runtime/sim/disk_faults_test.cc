// What can be planned against a simulated disk, and how it is seen from outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/runtime/sim/disk_user.h"

namespace coracle::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kFile = "/file";

FileCall call_of(FileAction action) { return {.action = action, .path = &kFile}; }

// ---- Errors ----

TEST(DiskFaults, FailTheNextOperation) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.fail({});
  EXPECT_FALSE(disk.met_fault());
  EXPECT_EQ(user.make_directory("/d"), EIO);
  EXPECT_TRUE(disk.met_fault());
  EXPECT_FALSE(disk.exists("/d"));
  EXPECT_EQ(user.make_directory("/d"), 0);
}

TEST(DiskFaults, FailTheNthOperationFromNow) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  user.make_directory("/before");
  disk.fail({.error = ENOSPC, .nth = 3});
  disk.fail({.action = FileAction::remove, .error = EROFS, .nth = 2});
  EXPECT_EQ(user.make_directory("/1"), 0);
  EXPECT_EQ(user.remove("/2"), 0);
  EXPECT_EQ(user.make_directory("/3"), ENOSPC);
  EXPECT_EQ(user.make_directory("/4"), 0);
  EXPECT_EQ(user.remove("/5"), EROFS);
  EXPECT_EQ(user.remove("/6"), 0);
}

TEST(DiskFaults, FailByChance) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.fail_by_chance(0.25);
  disk.fail_by_chance(FileAction::remove, 1, EROFS);
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    if (user.make_directory("/d") != 0) ++failed;
  }
  EXPECT_GT(failed, 200);
  EXPECT_LT(failed, 300);
  EXPECT_NE(user.remove("/file"), 0);
  disk.fail_by_chance(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(user.make_directory("/d"), 0);
  EXPECT_EQ(user.remove("/file"), EROFS);
}

TEST(DiskFaults, AWriteThatFailsMayHaveWrittenItsFirstSectors) {
  std::vector<bool> seen(4, false);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Disk disk(random);
    DiskUser user(disk);
    disk.write_file("/file", std::string(1536, 'a'));
    disk.fail({.action = FileAction::write});
    EXPECT_EQ(user.write(user.open("/file"), std::string(1400, 'b')), EIO);
    const std::string content = *disk.read_file("/file");
    ASSERT_EQ(content.size(), 1536U);
    const auto written = static_cast<std::size_t>(std::count(content.begin(), content.end(), 'b'));
    EXPECT_EQ(content, std::string(written, 'b') + std::string(1536 - written, 'a'));
    EXPECT_TRUE(written % 512 == 0 || written == 1400) << written;
    seen[(written + 511) / 512] = true;
  }
  EXPECT_EQ(seen, std::vector<bool>(4, true));
}

TEST(DiskFaults, OtherOperationsThatFailHaveNoEffect) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.write_file("/d/file", "hello");
  const int file = user.open("/d/file");
  disk.fail_by_chance(1);
  EXPECT_EQ(user.truncate(file, 0), EIO);
  EXPECT_EQ(user.allocate(file, 0, 100), EIO);
  EXPECT_EQ(user.remove("/d/file"), EIO);
  EXPECT_EQ(user.rename("/d/file", "/other"), EIO);
  EXPECT_EQ(user.on(FileAction::remove_tree, "/d"), EIO);
  EXPECT_EQ(user.try_open("/d/file", OpenMode::replace).error, EIO);
  EXPECT_EQ(user.try_lock("/d/LOCK").error, EIO);
  EXPECT_EQ(disk.read_file("/d/file"), "hello");
  EXPECT_EQ(disk.list("/d"), std::vector<std::string>{"file"});
  EXPECT_EQ(disk.open_descriptors(), 1U);
}

TEST(DiskFaults, AFullDiskRefusesWhatDoesNotFit) {
  std::set<std::int64_t> written;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Disk disk(random);
    DiskUser user(disk);
    disk.set_capacity(8 * 512);
    const int reserved = user.open("/reserved");
    EXPECT_EQ(user.allocate(reserved, 0, 3 * 512), 0);
    const int file = user.open("/file");
    EXPECT_EQ(user.write(file, std::string(4 * 512, 'x')), 0);
    EXPECT_EQ(user.truncate(file, 1 << 20), 0);  // a hole needs no room
    EXPECT_FALSE(disk.met_fault());
    EXPECT_EQ(user.write(file, std::string(2 * 512, 'y'), 4096), ENOSPC);
    EXPECT_TRUE(disk.met_fault());
    const std::string content = *disk.read_file("/file");
    written.insert(std::count(content.begin(), content.end(), 'y'));
    EXPECT_EQ(user.allocate(file, 8192, 2 * 512), ENOSPC);
    EXPECT_EQ(user.write(file, std::string(4 * 512, 'z')), 0);  // in place
    EXPECT_EQ(user.write(reserved, std::string(3 * 512, 'x')), 0);
    EXPECT_EQ(user.remove("/file"), 0);
    EXPECT_EQ(user.write(reserved, std::string(4 * 512, 'y'), 1536), ENOSPC);  // still open
    disk.close(file);
    EXPECT_EQ(user.write(reserved, std::string(5 * 512, 'y'), 1536), 0);
    EXPECT_EQ(user.write(reserved, "y", 4096), ENOSPC);
    disk.heal();
    EXPECT_EQ(user.write(reserved, "y", 4096), 0);
  }
  EXPECT_EQ(written, (std::set<std::int64_t>{0, 512}));
}

TEST(DiskFaults, ACutGivesRoomBack) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.set_capacity(4 * 512);
  const int file = user.open("/file");
  EXPECT_EQ(user.write(file, std::string(4 * 512, 'x')), 0);
  EXPECT_EQ(user.truncate(file, 600), 0);
  const int other = user.open("/other");
  EXPECT_EQ(user.write(other, std::string(2 * 512, 'x')), 0);
  EXPECT_EQ(user.write(other, "x", 2 * 512), ENOSPC);
}

TEST(DiskFaults, ABitIsFlippedInTheCacheAndOnTheDisk) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.write_file("/file", "aaaa");
  disk.flip_bit("/file", 2, 1);
  EXPECT_EQ(disk.read_file("/file"), "aaca");
  EXPECT_EQ(disk.read_file("/file", DiskView::durable), "aaca");
  // Also in what is written and not synced, which a datasync would else put right.
  const int file = user.open("/file");
  user.write(file, "b", 0);
  disk.flip_bit("/file", 3, 1);
  EXPECT_EQ(user.read(file, 4), "bacc");
  EXPECT_EQ(user.datasync(file), 0);
  disk.lose_power();
  EXPECT_EQ(disk.read_file("/file"), "bacc");
}

TEST(DiskFaults, ADrawnBitIsFlippedInAnyFileBelow) {
  Random random(1);
  Disk disk(random);
  EXPECT_FALSE(disk.flip_drawn_bit().has_value());
  disk.write_file("/d/one", std::string(1, '\0'));
  disk.write_file("/d/two", std::string(3, '\0'));
  disk.write_file("/other", std::string(1000, '\0'));
  std::vector<int> flips(4, 0);
  for (int i = 0; i < 200; ++i) {
    const std::optional<FlippedBit> flipped = disk.flip_drawn_bit("/d");
    ASSERT_TRUE(flipped.has_value());
    ++flips[flipped->path == "/d/one" ? 0 : 1 + flipped->byte];
    const std::string content = *disk.read_file(flipped->path);
    disk.flip_bit(flipped->path, flipped->byte, flipped->bit);
    EXPECT_NE(*disk.read_file(flipped->path), content);
  }
  EXPECT_GT(*std::min_element(flips.begin(), flips.end()), 20);
  EXPECT_EQ(disk.read_file("/other"), std::string(1000, '\0'));
  EXPECT_EQ(disk.read_file("/d/two"), std::string(3, '\0'));
}

// ---- Time ----

TEST(DiskFaults, OperationsTakeTheTimeOfTheirKind) {
  Random random(1);
  Disk disk(random);
  DiskDelays delays;
  delays.read = exactly(microseconds(1));
  delays.write = exactly(microseconds(2));
  delays.sync = exactly(microseconds(3));
  delays.other = exactly(microseconds(4));
  disk.set_delays(delays);
  EXPECT_EQ(disk.begin(call_of(FileAction::read)), microseconds(1));
  EXPECT_EQ(disk.begin(call_of(FileAction::write)), microseconds(2));
  EXPECT_EQ(disk.begin(call_of(FileAction::datasync)), microseconds(3));
  EXPECT_EQ(disk.begin(call_of(FileAction::sync_directory)), microseconds(3));
  EXPECT_EQ(disk.begin(call_of(FileAction::open)), microseconds(4));
  disk.slow_down(seconds(1));
  disk.slow_down(milliseconds(1));
  EXPECT_EQ(disk.begin(call_of(FileAction::write)), microseconds(1002));
  disk.heal();
  EXPECT_EQ(disk.delays(), DiskDelays());
  EXPECT_LE(disk.begin(call_of(FileAction::write)), microseconds(50));
}

TEST(DiskFaults, ADiskThatHangsEndsNothingUntilItIsReleased) {
  Random random(1);
  Disk disk(random);
  int released = 0;
  disk.at_release([&] {
    EXPECT_FALSE(disk.held());
    ++released;
  });
  disk.release();
  EXPECT_EQ(released, 0);
  disk.hold();
  EXPECT_TRUE(disk.held());
  EXPECT_FALSE(disk.met_fault());
  EXPECT_EQ(disk.begin(call_of(FileAction::write)), Disk::kHeld);
  EXPECT_TRUE(disk.met_fault());
  disk.release();
  EXPECT_EQ(released, 1);
  EXPECT_NE(disk.begin(call_of(FileAction::write)), Disk::kHeld);
  disk.hold();
  disk.heal();
  EXPECT_EQ(released, 2);
}

TEST(DiskFaultsDeathTest, NothingEndsWhileTheDiskHangs) {
  Random random(1);
  Disk disk(random);
  disk.hold();
  EXPECT_DEATH(static_cast<void>(disk.perform(call_of(FileAction::exists), 1)), "hangs");
}

TEST(DiskFaults, HealEndsWhatWasPlanned) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.fail({.nth = 2});
  disk.fail_by_chance(FileAction::remove, 1);
  disk.heal();
  EXPECT_EQ(user.remove("/file"), 0);
  EXPECT_EQ(user.remove("/file"), 0);
}

// ---- Seeing ----

TEST(DiskFaults, AnObserverSeesEachOperationBegin) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  user.make_directory("/before");
  std::vector<std::string> seen;
  disk.observe([&](std::uint64_t nth, const FileCall& call) {
    if (nth == 2) disk.observe({});
    seen.push_back(std::to_string(nth) + " " + std::string(to_string(call.action)));
    EXPECT_FALSE(disk.exists("/d"));
  });
  user.remove("/no");
  user.make_directory("/d");
  user.remove("/no");
  EXPECT_EQ(seen, (std::vector<std::string>{"1 remove", "2 make directory"}));
  EXPECT_EQ(disk.operations(), 4U);
}

TEST(DiskFaults, DecisionsAreTold) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.write_file("/file", "x");
  std::vector<std::string> told;
  disk.observe_decisions([&](const DiskDecision& decision) {
    told.push_back(std::string(decision.what) + " " + std::string(decision.path) + " " +
                   std::to_string(decision.value));
  });
  disk.fail({.error = ENOSPC});
  user.remove("/file");
  disk.flip_bit("/file", 0, 3);
  user.write(user.open("/file"), "y");
  disk.lose_power();
  EXPECT_EQ(told, (std::vector<std::string>{"fail /file " + std::to_string(ENOSPC),
                                            "flip_bit /file 3", "lose_power /file 0"}));
}

TEST(DiskFaults, FilesAreWrittenFromOutsideDurably) {
  Random random(1);
  Disk disk(random);
  disk.write_file("/a/b/file", "first");
  disk.write_file("/a/b/file", "second");
  EXPECT_TRUE(disk.exists("/a/b", DiskView::durable));
  EXPECT_EQ(disk.list("/a/b", DiskView::durable), std::vector<std::string>{"file"});
  disk.lose_power();
  EXPECT_EQ(disk.read_file("/a/b/file"), "second");
  EXPECT_EQ(disk.read_file("/a/b"), std::nullopt);
  EXPECT_EQ(disk.read_file("/a/no"), std::nullopt);
  EXPECT_EQ(disk.list("/no"), std::vector<std::string>{});
  EXPECT_EQ(disk.list("/"), (std::vector<std::string>{"a", "tmp"}));
}

}  // namespace
}  // namespace coracle::sim
