// `coracle log`, on logs that a server has written.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "raft/disk_log.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "tests/apps/program.h"

namespace coracle {
namespace {

using raft::DiskLog;
using raft::Entry;
using raft::LogChange;

constexpr raft::Identity kIdentity{
    .cluster = 7, .self = 3, .incarnation = {.directory = 99, .start = 1}};

// Three entries, of which the last one is replaced; in two segments.
Task<> write_log(std::string directory) {
  DiskLog log = co_await DiskLog::open(directory, kIdentity, {.segment_bytes = 4096 + 250});
  const Entry first{.term = 1, .kind = raft::EntryKind::no_op};
  const Entry command{
      .term = 1, .kind = raft::EntryKind::command, .data = std::vector<std::byte>(5, std::byte{1})};
  const Entry later{.term = 2, .kind = raft::EntryKind::no_op};
  const std::vector<LogChange> one{{.number = 1, .position = {1, 1}, .entry = &first},
                                   {.number = 2, .position = {1, 2}, .entry = &command},
                                   {.number = 3, .position = {1, 3}, .entry = &command}};
  co_await log.append(one);
  const std::vector<LogChange> two{{.number = 5, .position = {1, 2}},
                                   {.number = 6, .position = {2, 3}, .entry = &later}};
  co_await log.append(two);
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
              "000000000000001.log bytes=4346 used=4280 entries=3 truncations=0\n"
              "000000000000002.log bytes=4346 used=4208 entries=1 truncations=1\n"
              "cluster=7 server=3 entries=3 last_term=2 change=6\n");
    said = coracle_log({directory, "--records"});
    EXPECT_NE(said.text.find("  byte=4152 change=2 entry index=2 term=1 kind=command bytes=5\n"),
              std::string::npos)
        << said.text;
    EXPECT_NE(said.text.find("  byte=4096 change=5 truncation keeps=1..2 term=1\n"),
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

}  // namespace
}  // namespace coracle
