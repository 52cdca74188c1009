// What belongs to a process: its descriptors, its locks, and the operations it dies in.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/runtime/sim/disk_user.h"

namespace coracle::sim {
namespace {

TEST(DiskProcess, OnesDescriptorsAreNotAnothers) {
  Random random(1);
  Disk disk(random);
  DiskUser one(disk, 1);
  DiskUser two(disk, 2);
  const int file = one.open("/file");
  EXPECT_EQ(two.write(file, "x"), EBADF);
  EXPECT_EQ(two.datasync(file), EBADF);
  EXPECT_EQ(one.write(file, "x"), 0);
  disk.close(file);
  EXPECT_EQ(one.write(file, "x"), EBADF);
}

TEST(DiskProcessDeathTest, ADescriptorIsClosedOnce) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  const int file = user.open("/file");
  disk.close(file);
  EXPECT_DEATH(disk.close(file), "what is closed is open");
}

TEST(DiskProcess, ALockIsHeldByOneDescriptorUntilItIsClosed) {
  Random random(1);
  Disk disk(random);
  DiskUser one(disk, 4711);
  DiskUser two(disk, 42);
  const FileResult locked = one.try_lock("/LOCK");
  EXPECT_EQ(locked.error, 0);
  EXPECT_EQ(disk.read_file("/LOCK"), "4711\n");
  for (DiskUser* other : {&one, &two}) {
    const FileResult refused = other->try_lock("/LOCK");
    EXPECT_EQ(refused.error, EBUSY);
    EXPECT_EQ(refused.value, 4711);
  }
  disk.close(two.open("/LOCK"));  // another descriptor of the file, without its lock
  EXPECT_EQ(two.try_lock("/LOCK").error, EBUSY);
  disk.close(static_cast<int>(locked.value));
  EXPECT_EQ(two.try_lock("/LOCK").error, 0);
  EXPECT_EQ(disk.read_file("/LOCK"), "42\n");
}

TEST(DiskProcess, TheEndOfAProcessClosesWhatItHasOpenAndNoMore) {
  Random random(1);
  Disk disk(random);
  DiskUser one(disk, 1);
  DiskUser two(disk, 2);
  one.open("/file");
  one.try_lock("/LOCK");
  const int kept = two.open("/file");
  disk.end_process(1);
  EXPECT_EQ(disk.open_descriptors(), 1U);
  EXPECT_EQ(two.write(kept, "x"), 0);
  EXPECT_EQ(two.try_lock("/LOCK").error, 0);
}

TEST(DiskProcess, ALossOfPowerClosesAllAndGivesBackTheLocks) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  disk.write_file("/LOCK", "");
  user.try_lock("/LOCK");
  disk.lose_power();
  EXPECT_EQ(disk.open_descriptors(), 0U);
  EXPECT_EQ(user.try_lock("/LOCK").error, 0);
}

// ---- Dying in an operation ----

// Has a process die in an operation, with many seeds.
//   Returns    what `look` then saw.
template <class Prepare, class Look>
std::set<std::string> outcomes_of(Prepare prepare, Look look) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Disk disk(random);
    DiskUser user(disk);
    prepare(disk, user);
    disk.end_process(1);
    EXPECT_EQ(disk.open_descriptors(), 0U);
    outcomes.insert(look(disk));
  }
  return outcomes;
}

TEST(DiskProcess, AWriteItDiesInHasWrittenItsFirstSectors) {
  const auto outcomes = outcomes_of(
      [](Disk& disk, DiskUser& user) {
        disk.write_file("/file", std::string(1024, 'a'));
        const std::string text(1000, 'b');
        user.interrupted(DiskUser::write_call(user.open("/file"), text));
      },
      [](const Disk& disk) {
        const std::string content = *disk.read_file("/file");
        const std::size_t written = std::min(content.find('a'), content.size());
        EXPECT_EQ(content.find('b', written), std::string::npos);
        return std::to_string(written);
      });
  EXPECT_EQ(outcomes, (std::set<std::string>{"0", "1000", "512"}));
}

TEST(DiskProcess, AnOpenOrLockItDiesInLeavesNothingOpen) {
  const std::string path = "/file";
  for (const FileAction action : {FileAction::open, FileAction::lock}) {
    const auto outcomes = outcomes_of(
        [&](Disk& disk, DiskUser& user) {
          user.interrupted({.action = action, .path = &path, .mode = OpenMode::replace});
          EXPECT_EQ(disk.open_descriptors(), 0U);
        },
        [](Disk& disk) {
          const std::string made = disk.exists("/file") ? "made" : "not made";
          DiskUser next(disk, 2);
          EXPECT_EQ(next.try_lock("/file").error, 0);
          return made;
        });
    EXPECT_EQ(outcomes, (std::set<std::string>{"made", "not made"}));
  }
}

TEST(DiskProcess, ARenameItDiesInIsWhole) {
  const std::string from = "/new";
  const std::string to = "/old";
  const auto outcomes = outcomes_of(
      [&](Disk& disk, DiskUser& user) {
        disk.write_file("/old", "1");
        disk.write_file("/new", "2");
        user.interrupted({.action = FileAction::rename, .path = &from, .to = &to});
      },
      [](const Disk& disk) {
        return *disk.read_file("/old") + disk.read_file("/new").value_or("");
      });
  EXPECT_EQ(outcomes, (std::set<std::string>{"12", "2"}));
}

TEST(DiskProcess, ADatasyncItDiesInMayHaveSynced) {
  const auto outcomes = outcomes_of(
      [](Disk& disk, DiskUser& user) {
        disk.write_file("/file", "old");
        const int file = user.open("/file");
        user.write(file, "new");
        user.interrupted({.action = FileAction::datasync, .descriptor = file});
      },
      [](const Disk& disk) {
        EXPECT_EQ(disk.read_file("/file"), "new");
        return *disk.read_file("/file", DiskView::durable);
      });
  EXPECT_EQ(outcomes, (std::set<std::string>{"new", "old"}));
}

TEST(DiskProcess, BuffersOfAProcessThatDiesAreLeftAlone) {
  const std::string path = "/";
  std::string text = "untouched";
  std::vector<std::string> names;
  outcomes_of(
      [&](Disk& disk, DiskUser& user) {
        disk.write_file("/file", "content");
        user.interrupted({.action = FileAction::read,
                          .descriptor = user.open("/file"),
                          .into = std::as_writable_bytes(std::span(text))});
        user.interrupted({.action = FileAction::list_directory, .path = &path, .names = &names});
        user.interrupted(
            {.action = FileAction::make_temporary_directory, .path = &path, .text = &text});
      },
      [](const Disk&) { return ""; });
  EXPECT_EQ(text, "untouched");
  EXPECT_EQ(names, std::vector<std::string>{});
}

TEST(DiskProcess, ARemovalOfATreeItDiesInLeavesSome) {
  const std::string path = "/d";
  const auto outcomes = outcomes_of(
      [&](Disk& disk, DiskUser& user) {
        disk.write_file("/d/a", "");
        disk.write_file("/d/b", "");
        user.interrupted({.action = FileAction::remove_tree, .path = &path});
      },
      [](const Disk& disk) {
        return disk.exists("/d") ? std::to_string(disk.list("/d").size()) : "gone";
      });
  EXPECT_EQ(outcomes, (std::set<std::string>{"0", "1", "2", "gone"}));
}

}  // namespace
}  // namespace coracle::sim
