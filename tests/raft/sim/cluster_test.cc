// A cluster in the simulator elects and re-elects under each kind of fault, and equal seeds give
// equal histories.
#include "raft/sim/cluster.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

TEST(RaftCluster, ElectsOneLeaderWhomAllFollow) {
  for (const std::size_t servers : {1U, 2U, 3U, 4U, 5U, 7U}) {
    RaftCluster cluster({.servers = servers, .seed = 1});
    EXPECT_NE(cluster.run_until_leader(5s), kNobody) << servers << " servers";
    cluster.run_for(1s);
    EXPECT_NE(cluster.agreed_leader(cluster.ids()), kNobody) << servers << " servers";
    EXPECT_EQ(cluster.count(EventKind::became_leader), 1U) << servers << " servers";
  }
}

TEST(RaftCluster, ElectsAnotherWhenTheLeaderIsGone) {
  const auto crash_process = [](RaftCluster& cluster, ServerId id) { cluster.crash_process(id); };
  const auto crash_machine = [](RaftCluster& cluster, ServerId id) { cluster.crash_machine(id); };
  const auto isolate = [](RaftCluster& cluster, ServerId id) { cluster.isolate(id); };
  const auto pause = [](RaftCluster& cluster, ServerId id) { cluster.pause(id); };
  using Fault = std::function<void(RaftCluster&, ServerId)>;
  for (const Fault& fault :
       {Fault(crash_process), Fault(crash_machine), Fault(isolate), Fault(pause)}) {
    RaftCluster cluster({.servers = 3, .seed = 2});
    const ServerId first = cluster.run_until_leader();
    ASSERT_NE(first, kNobody);
    fault(cluster, first);
    EXPECT_TRUE(cluster.run_until(
        [&] { return cluster.leader() != kNobody && cluster.leader() != first; }, 3s));
  }
}

TEST(RaftCluster, TakesBackWhoWasGone) {
  RaftCluster cluster({.servers = 3, .seed = 3});
  const ServerId first = cluster.run_until_leader();
  cluster.crash_machine(first);
  cluster.run_for(2s);
  cluster.restart(first);
  EXPECT_TRUE(
      cluster.run_until([&] { return cluster.agreed_leader(cluster.ids()) != kNobody; }, 2s));
  const Term term = cluster.highest_term();
  cluster.run_for(2s);
  EXPECT_EQ(cluster.highest_term(), term);
}

TEST(RaftCluster, MakesTheServerLeaderThatIsAskedFor) {
  RaftCluster cluster({.servers = 3, .seed = 4});
  for (const ServerId id : {2U, 3U, 1U}) {
    EXPECT_TRUE(cluster.elect(id));
    EXPECT_EQ(cluster.leader(), id);
  }
}

TEST(RaftCluster, DrawsTheTimeoutsThatItIsGiven) {
  RaftCluster cluster({.servers = 3, .seed = 5, .options = Options::plain()});
  cluster.add_timeouts(1, {202ms});
  cluster.add_timeouts(2, {293ms});
  cluster.add_timeouts(3, {282ms});
  EXPECT_EQ(cluster.run_until_leader(1s), 1U);
  EXPECT_EQ(cluster.highest_term(), 1U);
  EXPECT_EQ(cluster.count(EventKind::became_candidate), 1U);
  EXPECT_GE(cluster.now(), TimePoint(202ms));
  EXPECT_LE(cluster.now(), TimePoint(250ms));
}

TEST(RaftCluster, GivesAServerTheLogAndPromisesThatItIsTold) {
  RaftCluster cluster({.servers = 3, .seed = 6});
  cluster.set_hard_state(1, {.term = 7, .vote = 3});
  cluster.set_log(2, {1, 2, 2});
  cluster.set_log(3, {1, 2, 2});
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.state(1).term(), 7U);
  EXPECT_EQ(cluster.state(1).vote(), 3U);
  EXPECT_EQ(cluster.state(2).log().last(), (LogPosition{.term = 2, .index = 3}));
  EXPECT_EQ(cluster.state(2).term(), 2U);
  const ServerId leader = cluster.run_until_leader();
  EXPECT_TRUE(leader == 2 || leader == 3) << leader;  // who knows more than server 1 (§5.4.1)
}

TEST(RaftCluster, RepeatsItselfForEqualSeeds) {
  const auto run = [](std::uint64_t seed) {
    RaftCluster cluster({.servers = 5, .seed = seed});
    cluster.run_until_leader();
    cluster.crash_machine(cluster.leader());
    cluster.run_for(2s);
    return cluster.world().trace_hash();
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) EXPECT_EQ(run(seed), run(seed));
  EXPECT_NE(run(1), run(2));
}

// Fails the first disk operation, then the second, ... until a run meets no fault. (D1, D5)
TEST(RaftCluster, SurvivesAFaultInAnyDiskOperation) {
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 100U);
    RaftCluster cluster({.servers = 3, .seed = 7, .fail_disk_operation = nth});
    EXPECT_NE(cluster.run_until_leader(3s), kNobody) << "operation " << nth;
    if (!cluster.met_fault()) break;
  }
}

// The same with the process, or the machine, crashing there, and starting again. (D1, K7, B01)
TEST(RaftCluster, SurvivesACrashInAnyDiskOperation) {
  for (const bool machine : {false, true}) {
    for (std::uint64_t nth = 1;; ++nth) {
      ASSERT_LT(nth, 100U);
      RaftCluster cluster({.servers = 3, .seed = 8});
      cluster.add_timeouts(1, {150ms});
      cluster.crash_at_disk_operation(1, nth, machine);
      cluster.run_for(400ms);
      const bool crashed = !cluster.host(1).running();
      if (crashed) cluster.restart(1);
      EXPECT_TRUE(
          cluster.run_until([&] { return cluster.agreed_leader(cluster.ids()) != kNobody; }, 5s))
          << "operation " << nth;
      if (!crashed) break;
    }
  }
}

}  // namespace
}  // namespace coracle::raft::sim
