// What a loss of power leaves of files and names.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/runtime/sim/disk_user.h"

namespace coracle::sim {
namespace {

constexpr std::uint64_t kSeeds = 300;

// Runs a scenario with many seeds.
//   Returns    how often each outcome was drawn.
template <class Scenario>
std::map<std::string, int> outcomes_of(Scenario scenario, std::uint64_t seeds = kSeeds) {
  std::map<std::string, int> outcomes;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Random random(seed);
    Disk disk(random);
    DiskUser user(disk);
    ++outcomes[scenario(disk, user)];
  }
  return outcomes;
}

std::set<std::string> keys(const std::map<std::string, int>& outcomes) {
  std::set<std::string> keys;
  for (const auto& [key, count] : outcomes) keys.insert(key);
  return keys;
}

std::string content_of(const Disk& disk, const std::string& path) {
  return disk.read_file(path).value_or("(gone)");
}

// A letter for each sector.
std::string sectors(std::string_view letters) {
  std::string text;
  for (char letter : letters) text.append(512, letter);
  return text;
}

std::string letters_of(const std::string& text) {
  std::string letters;
  for (std::size_t at = 0; at < text.size(); at += 512) {
    const std::string sector = text.substr(at, 512);
    const bool whole = sector == std::string(sector.size(), sector[0]);
    letters += whole ? (sector[0] == '\0' ? '0' : sector[0]) : '?';
  }
  return letters;
}

TEST(DiskDurability, SyncedBytesAndNamesSurvive) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    user.make_file("/file", "hello");
    user.sync_directory("/");
    disk.lose_power();
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"hello"}));
}

TEST(DiskDurability, UnsyncedBytesAreReadUntilThePowerIsLost) {
  Random random(1);
  Disk disk(random);
  DiskUser user(disk);
  const int file = user.open("/file");
  user.write(file, "hello");
  EXPECT_EQ(user.read(file, 10), "hello");
  disk.end_process(1);
  DiskUser next(disk, 2);
  EXPECT_EQ(next.read(next.open("/file"), 10), "hello");
  EXPECT_EQ(disk.read_file("/file"), "hello");
  EXPECT_EQ(disk.read_file("/file", DiskView::durable), std::nullopt);
}

TEST(DiskDurability, UnsyncedBytesMayBeLost) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", "old");
    user.write(user.open("/file"), "new");
    disk.lose_power();
    EXPECT_EQ(content_of(disk, "/file"), disk.read_file("/file", DiskView::durable));
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"new", "old"}));
}

TEST(DiskDurability, WritesAreTornAtSectorsAndReordered) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aa"));
    const int file = user.open("/file");
    user.write(file, sectors("bb"));
    user.write(file, sectors("cc"));
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes),
            (std::set<std::string>{"aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb", "cc"}));
}

TEST(DiskDurability, ASectorIsNeverTorn) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", "old old ");
    const int file = user.open("/file");
    user.write(file, "new", 0);
    user.write(file, "new", 4);
    disk.lose_power();
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"old old ", "new old ", "new new "}));
}

TEST(DiskDurability, AFileThatGrewMayBeShorterOrHaveZeros) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("a"));
    const int file = user.open("/file");
    user.write(file, sectors("b"), 512);
    user.write(file, sectors("c"), 1024);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"a", "ab", "a0", "abc", "a0c", "ab0", "a00"}));
}

TEST(DiskDurability, WhatWasCutOffDoesNotComeBackOnceItIsWrittenOver) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aaa"));
    const int file = user.open("/file");
    user.truncate(file, 512);
    user.write(file, sectors("c"), 1024);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"aaa", "a", "a0c", "a00"}));
}

TEST(DiskDurability, ADatasyncCoversTheSizeAndNotTheName) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    const int file = user.open("/file");
    user.truncate(file, 5);
    user.datasync(file);
    disk.lose_power();
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"(gone)", std::string(5, '\0')}));
}

TEST(DiskDurability, ADatasyncCoversWhatWasWrittenBeforeItOnly) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aa"));
    const int file = user.open("/file");
    user.write(file, sectors("b"), 0);
    user.datasync(file);
    user.write(file, sectors("c"), 512);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"ba", "bc"}));
}

TEST(DiskDurability, NothingIsAtRiskTwice) {
  outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aa"));
    user.write(user.open("/file"), sectors("bb"));
    user.make_directory("/more");
    disk.lose_power();
    const std::string content = content_of(disk, "/file");
    const auto names = disk.list("/");
    disk.lose_power();
    EXPECT_EQ(content_of(disk, "/file"), content);
    EXPECT_EQ(disk.list("/"), names);
    return "";
  });
}

TEST(DiskDurability, AKernelWritesBackByItselfWhatIsNeverSynced) {
  const auto outcomes = outcomes_of(
      [](Disk& disk, DiskUser& user) {
        disk.write_file("/file", "old");
        const int file = user.open("/file");
        user.write(file, "new");
        const std::string much(16 << 20, 'x');
        user.write(file, much, 4096);
        user.truncate(file, 3);
        disk.lose_power();
        return content_of(disk, "/file").substr(0, 3);
      },
      /*seeds=*/10);
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"new"}));
}

// ---- A sync that fails ----

TEST(DiskDurability, WhatAFailedDatasyncLeftOutIsNeverMadeDurable) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", "old");
    const int file = user.open("/file");
    user.write(file, "new");
    disk.fail({.action = FileAction::datasync});
    EXPECT_EQ(user.datasync(file), EIO);
    EXPECT_EQ(user.datasync(file), 0);
    EXPECT_EQ(user.read(file, 3), "new");
    disk.lose_power();
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"new", "old"}));
}

TEST(DiskDurability, AfterAFailedDatasyncWhatIsWrittenAgainIsDurable) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aa"));
    const int file = user.open("/file");
    user.write(file, sectors("bb"));
    disk.fail({.action = FileAction::datasync});
    EXPECT_EQ(user.datasync(file), EIO);
    user.write(file, "b", 512);
    EXPECT_EQ(user.datasync(file), 0);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"ab", "bb"}));
}

TEST(DiskDurability, ADirectoryWhoseSyncFailedMayBeSyncedAgain) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    user.make_file("/file", "x");
    disk.fail({.action = FileAction::sync_directory, .error = ENOSPC});
    EXPECT_EQ(user.sync_directory("/"), ENOSPC);
    EXPECT_FALSE(disk.exists("/file", DiskView::durable));
    EXPECT_EQ(user.sync_directory("/"), 0);
    disk.lose_power();
    return content_of(disk, "/file");
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"x"}));
}

// ---- Names ----

std::string names_in(const Disk& disk, const std::string& path) {
  std::string text;
  for (const std::string& name : disk.list(path)) {
    text += name + "=" + content_of(disk, path + "/" + name) + " ";
  }
  return text;
}

TEST(DiskDurability, OfTheChangesOfADirectoryTheFirstFewSurvive) {
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

TEST(DiskDurability, SyncingADirectoryCoversItsOwnNamesOnly) {
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

TEST(DiskDurability, AFileMovedToAnotherDirectoryIsNeverInNeither) {
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

TEST(DiskDurability, AFileMovedToAndFroIsNeverLost) {
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

TEST(DiskDurability, ADirectoryMovedToAnotherIsDurableAtOnce) {
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

TEST(DiskDurability, ARemovedFileMayComeBack) {
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

TEST(DiskDurability, AnOpenFileThatWasRemovedStaysUsable) {
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
