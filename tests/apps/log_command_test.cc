// `coracle log`, on logs that a server has written.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "raft/disk_storage.h"
#include "runtime/combinators.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/run_blocking.h"
#include "tests/apps/program.h"

namespace coracle {
namespace {

using raft::AppendedEntry;
using raft::Change;
using raft::DiskStorage;
using raft::Entry;
using raft::HardState;
using raft::Truncation;

// Three entries, of which the last one is replaced; in two segments.
Task<> write_log(std::string directory) {
  DiskStorage storage = co_await DiskStorage::open(directory, /*cluster=*/7, /*self=*/3,
                                                   {.segment_bytes = 4096 + 280});
  const Entry first{.term = 1, .kind = raft::EntryKind::no_op};
  const Entry command{
      .term = 1, .kind = raft::EntryKind::command, .data = std::vector<std::byte>(5, std::byte{1})};
  const Entry later{.term = 2, .kind = raft::EntryKind::no_op};
  const std::vector<Change> one{{.number = 1, .what = HardState{.term = 1}},
                                {.number = 2, .what = AppendedEntry{.index = 1, .entry = first}},
                                {.number = 3, .what = AppendedEntry{.index = 2, .entry = command}},
                                {.number = 4, .what = AppendedEntry{.index = 3, .entry = command}}};
  co_await storage.write(one);
  const std::vector<Change> two{{.number = 5, .what = HardState{.term = 2}},
                                {.number = 6, .what = Truncation{.last = {1, 2}}},
                                {.number = 7, .what = AppendedEntry{.index = 3, .entry = later}}};
  co_await storage.write(two);
}

struct Said {
  int status = 0;
  std::string text;
};

Said coracle_log(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {Program::path("coracle"), "log"});
  Program program(std::move(arguments));
  Said said;
  said.status = program.wait();
  said.text = program.printed();
  return said;
}

void with_log(const std::function<void(const std::string& directory)>& look) {
  std::string directory;
  const auto make = [&]() -> Task<> {
    directory = co_await make_temporary_directory("coracle-log-");
    co_await write_log(directory);
  };
  run(make());
  look(directory);
  const auto remove = [&]() -> Task<> { co_await remove_tree(directory); };
  run(remove());
}

TEST(LogCommand, PrintsWhatALogHolds) {
  with_log([](const std::string& directory) {
    Said said = coracle_log({directory});
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(said.text,
              "000000000000001.log bytes=4376 used=4304 entries=3 truncations=0\n"
              "000000000000002.log bytes=4376 used=4224 entries=1 truncations=1\n"
              "hard_state term=2 vote=0 start=1 change=5\n"
              "cluster=7 server=3 entries=3 last_term=2 change=7\n");
    said = coracle_log({directory, "--records"});
    EXPECT_NE(said.text.find("  byte=4160 change=3 entry index=2 term=1 kind=command bytes=5\n"),
              std::string::npos)
        << said.text;
    EXPECT_NE(said.text.find("  byte=4096 change=6 truncation keeps=1..2 term=1\n"),
              std::string::npos)
        << said.text;
  });
}

TEST(LogCommand, SaysWhatIsWrongAndWritesNothing) {
  with_log([](const std::string& directory) {
    const std::string path = directory + "/log/000000000000001.log";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4100);
    file.put('\x7f');
    file.close();
    for (int i = 0; i < 2; ++i) {
      const Said said = coracle_log({directory});
      EXPECT_EQ(said.status, 1);
      EXPECT_NE(said.text.find("coracle: read " + directory +
                               "/log (byte 4096 of 000000000000001.log is damaged: "
                               "000000000000002.log was written after it)"),
                std::string::npos)
          << said.text;
    }
  });
  EXPECT_NE(coracle_log({"/nowhere"}).text.find("No such file or directory"), std::string::npos);
}

// What hard_state tells is part of the check.
TEST(LogCommand, ChecksTheLogAgainstHardState) {
  with_log([](const std::string& directory) {
    const std::string path = directory + "/log/000000000000002.log";
    std::filesystem::resize_file(path, 4096);  // all of its records, gone
    std::filesystem::resize_file(path, 4376);
    std::string older = coracle_log({directory}).text;
    EXPECT_NE(older.find("entries=3 last_term=1 change=4\n"), std::string::npos) << older;
    const auto vote = [&]() -> Task<> {
      auto file = co_await raft::HardStateFile::open(directory, 7, 3);
      co_await file.save({.term = 9}, /*change=*/9, /*log_change=*/7);
    };
    run(vote());
    const Said said = coracle_log({directory});
    EXPECT_EQ(said.status, 1);
    EXPECT_NE(
        said.text.find("is where the log ends, with change 4; hard_state tells that change 7"),
        std::string::npos)
        << said.text;
  });
}

// All that is below a directory, with what the files hold.
std::map<std::string, std::string> contents_of(const std::string& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    contents[entry.path()] = "";
    if (entry.is_directory()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    contents[entry.path()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return contents;
}

// It takes no lock, makes no file, and what is torn stays so.
TEST(LogCommand, LeavesTheDirectoryAsItIs) {
  with_log([](const std::string& directory) {
    const std::string path = directory + "/log/000000000000002.log";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4230);
    file.put('\x7f');
    file.close();
    const auto before = contents_of(directory);
    const Said said = coracle_log({directory, "--records"});
    EXPECT_EQ(said.status, 0);
    EXPECT_NE(said.text.find("torn: 000000000000002.log is cut at byte 4224"), std::string::npos)
        << said.text;
    EXPECT_TRUE(contents_of(directory) == before);
  });
}

// The server goes on meanwhile: what is read is a log that it had, never a damaged or a torn one.
TEST(LogCommand, ReadsTheLogOfAServerThatRuns) {
  std::string directory;
  const auto program = [&]() -> Task<> {
    directory = co_await make_temporary_directory("coracle-log-");
    DiskStorage storage = co_await DiskStorage::open(directory, /*cluster=*/7, /*self=*/3);
    const std::vector<Change> one{{.number = 1, .what = HardState{.term = 1}}};
    co_await storage.write(one);
    bool over = false;
    const auto write = [&]() -> Task<> {
      raft::LogIndex last = 0;
      while (!over) {
        std::vector<Change> batch;
        for (int i = 0; i < 50; ++i) {
          ++last;
          const Entry entry{.term = 1, .data = std::vector<std::byte>(100, std::byte{1})};
          batch.push_back({.number = 1 + last, .what = AppendedEntry{last, entry}});
        }
        co_await storage.write(batch);
      }
    };
    const auto look = [&]() -> Task<> {
      for (int i = 0; i < 10; ++i) {
        const Said said = co_await run_blocking([&] { return coracle_log({directory}); });
        EXPECT_EQ(said.status, 0) << said.text;
        EXPECT_EQ(said.text.find("torn"), std::string::npos) << said.text;
      }
      over = true;
    };
    co_await when_all(write(), look());
    co_await remove_tree(directory);
  };
  run(program());
}

}  // namespace
}  // namespace coracle
