// The commands `coracle scenario` and `coracle simulate`, as their user meets them.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "raft/sim/linearizability.h"
#include "raft/sim/random_run.h"
#include "tests/apps/program.h"

namespace coracle {
namespace {

// A file in a folder that goes with it.
class TextFile {
 public:
  TextFile(const std::string& name, std::string_view content) {
    std::string folder = testing::TempDir() + "/simulation-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) ADD_FAILURE() << "no folder";
    folder_ = folder;
    path_ = folder + "/" + name;
    std::ofstream(path_) << content;
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string folder_;
  std::string path_;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr std::string_view kGood =
    "# One is elected. (§5.2)\ncluster 3 plain names=A,B,C\ntimeouts A 202ms\ntimeouts B 293ms\n"
    "timeouts C 282ms\nrun until leader A within 1s\n";

TEST(ScenarioCommand, PlaysScriptsAndSaysWhichFail) {
  const TextFile good("good.txt", kGood);
  const TextFile bad("bad.txt", "cluster 3\nelect 1\nexpect leader 2\n");
  EXPECT_EQ(coracle({"scenario", good.path()}).status, 0);
  const Ended ended = coracle({"scenario", good.path(), bad.path()});
  EXPECT_EQ(ended.status, 1);
  EXPECT_TRUE(contains(ended.printed, "passed " + good.path())) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, bad.path() + ":3: expected leader 2")) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, "became_leader")) << ended.printed;  // the trace
}

TEST(ScenarioCommand, SaysWhatIsWrongWithAScript) {
  const TextFile wrong("wrong.txt", "cluster 3\nexplode\n");
  const Ended ended = coracle({"scenario", wrong.path()});
  EXPECT_EQ(ended.status, 1);
  EXPECT_TRUE(contains(ended.printed, wrong.path() + ":2: ")) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, "there is no word `explode`")) << ended.printed;
}

TEST(ScenarioCommand, ExplainsAndTraces) {
  const TextFile good("good.txt", kGood);
  const TextFile trace("trace.txt", "");
  const TextFile json("trace.ndjson", "");
  const Ended ended = coracle({"scenario", "--explain", "--trace", trace.path(), good.path()});
  EXPECT_TRUE(contains(ended.printed, "One is elected. (§5.2)")) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, "A's timeout of 202 ms ran out")) << ended.printed;
  EXPECT_TRUE(contains(trace.content(), "host=A became_leader role=leader")) << trace.content();
  EXPECT_EQ(coracle({"scenario", "--trace", json.path(), good.path()}).status, 0);
  EXPECT_TRUE(contains(json.content(), "\"event\":\"became_leader\"")) << json.content();
}

TEST(SimulateCommand, RunsSeedsInProcessesOfTheirOwn) {
  const Ended ended = coracle({"simulate", "--seeds", "12", "--time", "3s", "--jobs", "2"});
  EXPECT_EQ(ended.status, 0) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, "12 passed, 0 failed")) << ended.printed;
}

TEST(SimulateCommand, TracesOneSeedAlwaysTheSame) {
  const TextFile one("one.txt", "");
  const TextFile two("two.txt", "");
  for (const TextFile* file : {&one, &two}) {
    EXPECT_EQ(coracle({"simulate", "--seed", "7", "--time", "2s", "--trace", file->path()}).status,
              0);
  }
  EXPECT_TRUE(contains(one.content(), "became_leader"));
  EXPECT_EQ(one.content(), two.content());
}

// What it writes is what its clients saw, each operation a line, and can be judged by itself.
TEST(SimulateCommand, WritesTheHistoryOfItsClients) {
  const TextFile file("history.jsonl", "");
  const Ended ended =
      coracle({"simulate", "--seed", "4", "--time", "5s", "--history", file.path()});
  EXPECT_EQ(ended.status, 0) << ended.printed;
  const std::string written = file.content();
  const std::vector<raft::sim::ClientOperation> operations = raft::sim::parse_json_lines(written);
  EXPECT_EQ(operations.size(), static_cast<std::size_t>(std::ranges::count(written, '\n')));
  EXPECT_TRUE(raft::sim::check_linearizability(operations).linearizable());

  const raft::sim::RunPlan plan =
      raft::sim::draw_plan({.seed = 4,
                            .servers = raft::sim::servers_of_seed(4),
                            .time = std::chrono::seconds(5),
                            .kinds = *raft::sim::parse_fault_kinds("all")});
  raft::sim::RandomRun run(plan);
  EXPECT_EQ(run.run(), "");
  EXPECT_EQ(operations, run.history()->operations());
  EXPECT_GT(std::ranges::count(operations, raft::sim::OperationOutcome::ok,
                               &raft::sim::ClientOperation::outcome),
            20);
}

TEST(SimulateCommand, RefusesTheHistoryOfSeveralSeeds) {
  EXPECT_NE(coracle({"simulate", "--seeds", "2", "--history", "a"}).status, 0);
}

TEST(SimulateCommand, ShrinksOnlyWhatFails) {
  const Ended ended = coracle({"simulate", "--seed", "3", "--time", "2s", "--shrink"});
  EXPECT_EQ(ended.status, 0) << ended.printed;
  EXPECT_TRUE(contains(ended.printed, "1 passed, 0 failed")) << ended.printed;
}

TEST(SimulateCommand, RefusesWhatDoesNotFitTogether) {
  EXPECT_NE(coracle({"simulate", "--faults", "earthquake"}).status, 0);
  EXPECT_NE(coracle({"simulate", "--seeds", "2", "--trace", "a"}).status, 0);
  EXPECT_NE(coracle({"simulate", "--seeds", "2", "--shrink"}).status, 0);
}

}  // namespace
}  // namespace coracle
