// Random runs: that plans are what their seed says, and that no seed finds anything.
#include "raft/sim/random_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <variant>

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

std::set<FaultKind> all_faults() { return *parse_fault_kinds("all"); }

RunPlan plan_of(std::uint64_t seed, Duration time, const std::set<FaultKind>& kinds) {
  return draw_plan({.seed = seed, .servers = servers_of_seed(seed), .time = time, .kinds = kinds});
}

std::string text_of(const RunPlan& plan) {
  std::string text;
  for (const Fault& fault : plan.faults) text += fault.to_text() + "\n";
  return text;
}

TEST(FaultPlan, IsDecidedByItsSeed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(text_of(plan_of(seed, 60s, all_faults())), text_of(plan_of(seed, 60s, all_faults())));
  }
  EXPECT_NE(text_of(plan_of(1, 60s, all_faults())), text_of(plan_of(4, 60s, all_faults())));
}

TEST(FaultPlan, HoldsEveryKindThatIsAskedForAndNoOther) {
  std::map<FaultKind, int> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const Fault& fault : plan_of(seed, 60s, all_faults()).faults) ++seen[fault.kind];
  }
  EXPECT_EQ(seen.size(), kFaultKinds);
  for (const Fault& fault : plan_of(1, 60s, {FaultKind::pause}).faults) {
    EXPECT_EQ(fault.kind, FaultKind::pause);
  }
  EXPECT_TRUE(plan_of(1, 60s, {}).faults.empty());
}

TEST(FaultPlan, NeverDamagesMoreThanAMinority) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const RunPlan plan = plan_of(seed, 60s, all_faults());
    const auto damaged = static_cast<std::size_t>(std::ranges::count(
        plan.faults, FaultKind::damage, [](const Fault& fault) { return fault.kind; }));
    EXPECT_LE(damaged, (plan.servers - 1) / 2);
  }
}

TEST(FaultKinds, AreReadAsTheyAreWritten) {
  for (const std::string_view text : {"all", "none", "crash", "crash,machine,damage"}) {
    EXPECT_EQ(print_fault_kinds(*parse_fault_kinds(text)), text);
  }
  EXPECT_FALSE(parse_fault_kinds("crash,earthquake"));
}

TEST(RandomRun, RepeatsItself) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const RunPlan plan = plan_of(seed, 10s, all_faults());
    RandomRun first(plan);
    RandomRun second(plan);
    EXPECT_EQ(first.run(), second.run());
    EXPECT_EQ(first.cluster().world().trace_hash(), second.cluster().world().trace_hash());
  }
}

// A disk fails just before all is healed, and the server's streams linger for 5 s before its
// process ends: it was not started again, and with two others lost for good there was no majority.
TEST(RandomRun, StartsAServerAgainThatEndsLate) {
  const RunPlan plan = plan_of(5557, 60s, all_faults());
  RandomRun run(plan);
  EXPECT_EQ(run.run(), "");
}

// A run without faults has one election and no more; so the second phase can be passed.
TEST(RandomRun, WithoutFaultsElectsOnce) {
  const RunPlan plan = plan_of(5, 10s, {});
  RandomRun run(plan);
  EXPECT_EQ(run.run(), "");
  EXPECT_EQ(run.cluster().count(EventKind::became_leader), 1U);
}

// R3: sessions live by the time of day as leaders stamp it, so that is set, too, both ways.
TEST(RandomRun, SetsTheTimeOfDay) {
  bool forwards = false;
  bool backwards = false;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const RunPlan plan = plan_of(seed, 20s, {FaultKind::clock});
    RandomRun run(plan);
    run.cluster().world().trace().observe([&](const coracle::sim::TraceEvent& event) {
      if (event.event != "set_wall_time") return;
      const auto by = std::get<std::int64_t>(event.facts.front().second);
      (by < 0 ? backwards : forwards) = true;
    });
    EXPECT_EQ(run.run(), "") << "seed " << seed;
    run.cluster().world().trace().observe({});
  }
  EXPECT_TRUE(forwards);
  EXPECT_TRUE(backwards);
}

// A majority that is lost for good is noticed: the second phase can fail, too.
TEST(RandomRun, TellsOfAClusterWithoutALeader) {
  RunPlan plan = plan_of(3, 5s, {});
  for (ServerId one = 1; one <= plan.servers; ++one) {
    for (ServerId other = 1; other <= plan.servers; ++other) {
      if (one != other) plan.cut_for_good.emplace_back(one, other);
    }
  }
  RandomRun run(plan);
  EXPECT_NE(run.run().find("no leader of a majority"), std::string::npos);
}

// Two hundred seeds, forty in each test: 3, 5 and 7 servers take turns. Fewer under a sanitizer,
// which CI gives longer runs of their own.
#if defined(CORACLE_SANITIZED)
constexpr std::uint64_t kSeeds = 8;
#else
constexpr std::uint64_t kSeeds = 40;
#endif

class RandomRuns : public testing::TestWithParam<int> {};

TEST_P(RandomRuns, FindNothing) {
  const std::uint64_t first = 1 + kSeeds * static_cast<std::uint64_t>(GetParam());
  for (std::uint64_t seed = first; seed < first + kSeeds; ++seed) {
    const RunPlan plan = plan_of(seed, 10s, all_faults());
    RandomRun run(plan);
    EXPECT_EQ(run.run(), "") << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRuns, testing::Range(0, 5));

}  // namespace
}  // namespace coracle::raft::sim
