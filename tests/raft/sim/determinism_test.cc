// One seed, one history: over runs of one program always, and over compilers and builds too.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "raft/sim/cluster.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

// Faults of every kind that do not need a plan, at times and on servers that the seed decides.
void disturb(RaftCluster& cluster) {
  Random& random = cluster.world().random();
  const ServerId server = random.below(cluster.ids().size()) + 1;
  switch (random.below(8)) {
    case 0: cluster.crash_process(server); break;
    case 1: cluster.crash_machine(server); break;
    case 2: cluster.pause(server); break;
    case 3: cluster.isolate(server); break;
    case 4: cluster.host(server).jump_clock(100ms); break;
    case 5: cluster.disk(server).slow_down(5ms); break;
    case 6: cluster.host(server).set_clock_rate(1'100'000); break;
    default: cluster.disk(server).fail({.nth = 3}); break;
  }
}

void mend(RaftCluster& cluster) {
  cluster.heal();
  for (const ServerId server : cluster.ids()) {
    cluster.resume(server);
    cluster.disk(server).heal();
    if (!cluster.host(server).running()) cluster.restart(server);
  }
}

std::unique_ptr<RaftCluster> run_seed(std::uint64_t seed) {
  auto cluster = std::make_unique<RaftCluster>(
      ClusterSetup{.servers = seed % 2 == 0 ? std::size_t{3} : std::size_t{5}, .seed = seed});
  cluster->network().set_default_link(
      {.latency = {50us, 2ms, {}}, .loss = 0.02, .duplication = 0.02});
  for (int round = 0; round < 6; ++round) {
    const Duration calm = cluster->world().random().between(50ms, 500ms);
    cluster->run_for(calm);
    disturb(*cluster);
    const Duration trouble = cluster->world().random().between(10ms, 500ms);
    cluster->run_for(trouble);
    mend(*cluster);
  }
  cluster->run_for(1s);
  return cluster;
}

// Returns the first event in which two runs differ, of both.
std::string first_difference(const coracle::sim::Trace& one, const coracle::sim::Trace& other) {
  for (std::size_t at = 0; at < one.kept() && at < other.kept(); ++at) {
    const std::string first = one.at(at).to_text();
    const std::string second = other.at(at).to_text();
    if (first != second) {
      return "event " + std::to_string(at) + ":\n  " + first + "\n  " + second;
    }
  }
  return "one of them goes on";
}

// Each is told, too: `.ci/run` compares what g++ and clang, optimized and under sanitizers, tell.
TEST(Determinism, FiftySeedsTwiceGiveTheSameHistories) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto one = run_seed(seed);
    const auto other = run_seed(seed);
    ASSERT_GT(one->world().trace().count(), 500U);
    ASSERT_EQ(one->world().trace_hash(), other->world().trace_hash())
        << "seed " << seed << ", "
        << first_difference(one->world().trace(), other->world().trace());
    std::cout << "seed=" << seed << " hash=" << one->world().trace_hash() << '\n';
  }
}

}  // namespace
}  // namespace coracle::raft::sim
