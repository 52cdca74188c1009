// What a loss of power leaves of the names of files.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/runtime/sim/disk_outcomes.h"

namespace coracle::sim {
namespace {

std::string names_in(const Disk& disk, const std::string& path) {
  std::string text;
  for (const std::string& name : disk.list(path)) {
    text += name + "=" + content_of(disk, path + "/" + name) + " ";
  }
  return text;
}

TEST(DiskNames, OfTheChangesOfADirectoryTheFirstFewSurvive) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/d/old", "1");
    user.make_file("/d/new", "2");
    user.rename("/d/new", "/d/old");
    user.make_file("/d/third", "3");
    user.remove("/d/old");
    disk.lose_power();
    return names_in(disk, "/d");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"old=1 ", "new=2 old=1 ", "old=2 ",
                                                   "old=2 third=3 ", "third=3 "}));
}

TEST(DiskNames, SyncingADirectoryCoversItsOwnNamesOnly) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    user.make_directory("/d/below");
    user.make_file("/d/below/file", "x");
    user.sync_directory("/d/below");
    user.sync_directory("/d");
    disk.lose_power();
    return disk.exists("/d/below/file") ? "there" : disk.exists("/d") ? "empty" : "gone";
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"gone", "there"}));
}

TEST(DiskNames, AFileMovedToAnotherDirectoryIsNeverInNeither) {
  const auto move = [](Disk& disk, DiskUser& user) {
    disk.write_file("/a/file", "x");
    disk.write_file("/b/other", "");
    user.rename("/a/file", "/b/file");
  };
  const auto found = [](const Disk& disk) {
    return std::string(disk.exists("/a/file") ? "a" : "") + (disk.exists("/b/file") ? "b" : "");
  };
  const auto unsynced = outcomes_of([&](Disk& disk, DiskUser& user) {
    move(disk, user);
    disk.lose_power();
    return found(disk);
  });
  EXPECT_EQ(keys(unsynced), (std::set<std::string>{"a", "ab", "b"}));
  const auto target_synced = outcomes_of([&](Disk& disk, DiskUser& user) {
    move(disk, user);
    user.sync_directory("/b");
    disk.lose_power();
    return found(disk);
  });
  EXPECT_EQ(keys(target_synced), (std::set<std::string>{"ab", "b"}));
  const auto both_synced = outcomes_of([&](Disk& disk, DiskUser& user) {
    move(disk, user);
    user.sync_directory("/b");
    user.sync_directory("/a");
    disk.lose_power();
    return found(disk);
  });
  EXPECT_EQ(keys(both_synced), (std::set<std::string>{"b"}));
}

TEST(DiskNames, AFileMovedToAndFroIsNeverLost) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/a/file", "x");
    disk.write_file("/b/other", "");
    user.rename("/a/file", "/b/file");
    user.make_file("/a/another", "");
    user.rename("/b/file", "/a/again");
    user.rename("/a/again", "/a/last");
    disk.lose_power();
    for (const std::string name : {"/a/file", "/b/file", "/a/again", "/a/last"}) {
      if (content_of(disk, name) == "x") return "there";
    }
    return "lost";
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"there"}));
}

TEST(DiskNames, ADirectoryMovedToAnotherIsDurableAtOnce) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    user.make_directory("/a/d");
    user.make_file("/a/d/file", "x");
    user.make_directory("/b");
    user.rename("/a/d", "/b/d");
    disk.lose_power();
    return content_of(disk, "/b/d/file") + (disk.exists("/a/d") ? " twice" : "");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"x"}));
}

TEST(DiskNames, ARemovedFileMayComeBack) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/d/file", "x");
    std::string path = "/d";
    EXPECT_EQ(user.on(FileAction::remove_tree, path), 0);
    EXPECT_FALSE(disk.exists("/d"));
    disk.lose_power();
    return disk.exists("/d") ? names_in(disk, "/d") : "gone";
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"file=x ", "", "gone"}));
}

TEST(DiskNames, AnOpenFileThatWasRemovedStaysUsable) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  const int file = user.open("/file");
  user.write(file, "hello");
  EXPECT_EQ(user.remove("/file"), 0);
  const int other = user.open("/file", OpenMode::create_new);
  EXPECT_EQ(user.read(file, 10), "hello");
  EXPECT_EQ(user.size(other), 0U);
  disk.close(file);
  EXPECT_EQ(disk.open_descriptors(), 1U);
}

}  // namespace
}  // namespace coracle::sim
