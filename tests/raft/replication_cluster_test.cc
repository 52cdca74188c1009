// Clusters of States that replicate a log: whoever is slow, down or far behind.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/model_cluster.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

void propose(ModelCluster& cluster, int commands) {
  for (int i = 0; i < commands; ++i) {
    cluster.propose();
    cluster.run_for(1ms);
  }
}

ServerId any_other(const ModelCluster& cluster, ServerId one) {
  std::vector<ServerId> others = cluster.ids();
  std::erase(others, one);
  return others.front();
}

// L1, B60: an idle cluster commits the first entry of its leader, everywhere, within a heartbeat of
// its having been sent.
TEST(ReplicatedCluster, CommitsTheFirstEntryOfEachLeader) {
  ModelCluster cluster({});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 100ms));
  ASSERT_EQ(cluster.committed().size(), 1U);
  EXPECT_EQ(cluster.committed().front().kind, EntryKind::no_op);
  EXPECT_EQ(cluster.committed().front().term, cluster.state(leader).term());
}

// §5.3: what is proposed at the leader is on all disks soon, in its order.
TEST(ReplicatedCluster, AllGetTheSameLog) {
  for (const std::size_t servers : {1U, 2U, 3U, 5U}) {
    ModelCluster cluster({.servers = servers});
    ASSERT_NE(cluster.run_until_leader(), kNobody);
    propose(cluster, 200);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 1s)) << servers;
    ASSERT_EQ(cluster.committed().size(), 201U);
    for (std::size_t i = 1; i <= 200; ++i) {
      EXPECT_EQ(cluster.committed()[i].data.text(), std::to_string(i));
    }
  }
}

// B39: what was committed is there after any number of failovers, and more can be.
TEST(ReplicatedCluster, NothingCommittedIsLostWithItsLeader) {
  ModelCluster cluster({.servers = 5});
  std::vector<Entry> before;
  for (int failover = 0; failover < 6; ++failover) {
    const ServerId leader = cluster.run_until_leader();
    ASSERT_NE(leader, kNobody);
    propose(cluster, 10);
    cluster.run_for(100ms);
    ASSERT_GE(cluster.committed().size(), before.size() + 10);
    ASSERT_TRUE(std::equal(before.begin(), before.end(), cluster.committed().begin()));
    before = cluster.committed();
    cluster.crash(leader);
    ASSERT_NE(cluster.run_until_leader(), kNobody);
    cluster.restart(leader);
  }
  EXPECT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 2s));
}

// A follower that was away for long gets what it missed from the leader's disk: in memory is
// little.
TEST(ReplicatedCluster, AFollowerThatWasAwayCatchesUp) {
  Options options;
  options.replication = {.batch_bytes = 1000, .window_messages = 4, .cache_bytes = 2000};
  ModelCluster cluster({.options = options});
  const ServerId leader = cluster.run_until_leader();
  const ServerId away = any_other(cluster, leader);
  propose(cluster, 50);
  cluster.crash(away);
  propose(cluster, 1000);
  EXPECT_LE(cluster.state(leader).log().cached_bytes(), 10'000U) << "little but what is on its way";
  cluster.restart(away);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 10s));
  EXPECT_EQ(cluster.committed().size(), 1051U);
  EXPECT_EQ(cluster.leader(), leader) << "and nobody was disturbed";
}

// One that is stopped, cut off or slow costs the others nothing: what they propose is committed as
// soon as without it.
TEST(ReplicatedCluster, ASlowFollowerDelaysNoCommit) {
  for (const bool is_cut_off : {false, true}) {
    ModelCluster cluster({});
    const ServerId leader = cluster.run_until_leader();
    propose(cluster, 1);
    cluster.run_for(100ms);
    if (is_cut_off) {
      cluster.cut(any_other(cluster, leader), leader);
    } else {
      cluster.pause(any_other(cluster, leader));
    }
    for (int i = 0; i < 100; ++i) {
      const std::size_t committed = cluster.committed().size();
      cluster.propose();
      cluster.run_for(7ms);  // the longest way there and back, and two syncs
      ASSERT_EQ(cluster.committed().size(), committed + 1);
    }
    EXPECT_EQ(cluster.leader(), leader);
  }
}

// L6, B10: a leader whose entries are on no other disk, and who cannot be heard, commits nothing;
// what it appended gives way when it comes back. (§5.3, Figure 7)
TEST(ReplicatedCluster, WhatWasNotCommittedGivesWay) {
  ModelCluster cluster({.options = Options::plain()});
  const ServerId first = cluster.run_until_leader();
  cluster.run_for(100ms);
  const std::size_t committed = cluster.committed().size();
  cluster.isolate(first);
  propose(cluster, 20);
  EXPECT_EQ(cluster.committed().size(), committed);
  EXPECT_EQ(cluster.state(first).log().last().index, committed + 20);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() != first; }, 10s));
  propose(cluster, 5);  // at both who take themselves for leaders
  cluster.run_for(200ms);
  cluster.heal();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 5s));
  EXPECT_EQ(cluster.count(EventKind::deleted_entries), 1U);
  EXPECT_EQ(cluster.committed().size(), committed + 6) << "the second one's first, and its five";
}

// A5, N2: a network that loses, repeats and reorders.
TEST(ReplicatedCluster, AnUnreliableNetworkOnlyTakesLonger) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Options options;
    options.replication = {.batch_bytes = 300, .window_messages = 6};
    ModelCluster cluster(
        {.options = options, .seed = seed, .latency_max = 20ms, .loss = 0.1, .duplication = 0.3});
    ASSERT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
    propose(cluster, 100);
    EXPECT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 30s)) << "seed " << seed;
    EXPECT_GE(cluster.committed().size(), 101U);
  }
}

// D1, B55: the machines of all go down at once, again and again, in the middle of writes.
TEST(ReplicatedCluster, NothingCommittedIsLostWhenAllGoDown) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster({.seed = seed, .sync_max = 20ms});
    Random random(seed);
    for (int crash = 0; crash < 8; ++crash) {
      ASSERT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
      propose(cluster, static_cast<int>(random.below(40)));
      cluster.run_for(random.between(0ms, 30ms));
      for (const ServerId id : cluster.ids()) cluster.crash(id);
      for (const ServerId id : cluster.ids()) cluster.restart(id);
    }
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 5s)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace coracle::raft
