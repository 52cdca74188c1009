// What a loss of power leaves of the bytes of files.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/runtime/sim/disk_outcomes.h"

namespace coracle::sim {
namespace {

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

TEST(DiskDurability, ALossKeepsNothingOrAllOrTheFirstOrSomeSectors) {
  std::map<std::string, std::set<std::string>> left;  // by what was decided
  outcomes_of([&](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aa"));
    const int file = user.open("/file");
    user.write(file, sectors("bb"));
    user.write(file, sectors("cc"));
    std::string decided;
    disk.observe_decisions([&](const DiskDecision& decision) { decided = decision.how; });
    disk.lose_power();
    left[decided].insert(letters_of(content_of(disk, "/file")));
    return "";
  });
  using Set = std::set<std::string>;
  EXPECT_EQ(left.size(), 4U);
  EXPECT_EQ(left["none"], (Set{"aa"}));
  EXPECT_EQ(left["all"], (Set{"cc"}));
  EXPECT_EQ(left["first"], (Set{"aa", "ba", "bb", "cb", "cc"}));
  EXPECT_EQ(left["sectors"], (Set{"aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb", "cc"}));
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

TEST(DiskDurability, WhatWasWrittenBeforeACutIsNotFoundAmongWhatCameAfter) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aaa"));
    const int file = user.open("/file");
    user.write(file, sectors("bbb"));
    user.truncate(file, 512);
    user.write(file, sectors("c"), 1024);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  int cut = 0;
  for (const auto& [letters, count] : outcomes) {
    if (letters.find_first_of("0c") == std::string::npos) continue;
    ++cut;
    EXPECT_EQ(letters[1], '0') << letters;
  }
  EXPECT_EQ(cut, 4) << "a and b in the first sector, 0 and c in the last";
  EXPECT_EQ(outcomes.count("aab") + outcomes.count("aba") + outcomes.count("abb"), 3U);
}

TEST(DiskDurability, ACutThatSurvivesLeavesNoLargerSize) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aaa"));
    const int file = user.open("/file");
    user.truncate(file, 512);
    user.write(file, sectors("b"));
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"aaa", "a", "b"}));
}

TEST(DiskDurability, ACutIsNotLostByADatasyncThatFails) {
  const auto outcomes = outcomes_of([](Disk& disk, DiskUser& user) {
    disk.write_file("/file", sectors("aaa"));
    const int file = user.open("/file");
    user.truncate(file, 512);
    disk.fail({.action = FileAction::datasync});
    EXPECT_EQ(user.datasync(file), EIO);
    user.truncate(file, 1536);
    user.datasync(file);
    disk.lose_power();
    return letters_of(content_of(disk, "/file"));
  });
  EXPECT_EQ(keys(outcomes), (std::set<std::string>{"a00"}));
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

}  // namespace
}  // namespace coracle::sim
