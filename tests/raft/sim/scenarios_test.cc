// The scripts of tests/raft/scenarios, each a test of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "raft/sim/narrator.h"
#include "raft/sim/scenario.h"

namespace coracle::raft::sim {
namespace {

constexpr std::size_t kEventsShown = 60;

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(SCENARIOS)) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string read(const std::string& name) {
  std::ifstream file(std::string(SCENARIOS) + "/" + name + ".txt");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string name_of(const testing::TestParamInfo<std::string>& script) { return script.param; }

class Scenarios : public testing::TestWithParam<std::string> {};

TEST_P(Scenarios, Hold) {
  const Scenario scenario("tests/raft/scenarios/" + GetParam() + ".txt", read(GetParam()));
  EXPECT_FALSE(scenario.claim().empty()) << "a script says what it proves";
  Play play(nullptr);
  const Scenario::Outcome outcome = scenario.run(play);
  std::ostringstream trace;
  if (!outcome.passed) play.cluster().world().trace().write_tail(trace, kEventsShown);
  EXPECT_TRUE(outcome.passed) << outcome.failure << "\n" << trace.str();
}

INSTANTIATE_TEST_SUITE_P(Raft, Scenarios, testing::ValuesIn(scripts()), name_of);

}  // namespace
}  // namespace coracle::raft::sim
