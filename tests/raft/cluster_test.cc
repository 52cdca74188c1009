// Clusters of States: the walk-through and its variations, P9, C3, K8, and the bugs of others that
// need several servers.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/model_cluster.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

Options with_timeout(Options options, Duration min, Duration max) {
  options.timing.timeout_min = min;
  options.timing.timeout_max = max;
  return options;
}

std::vector<ServerId> others_of(const ModelCluster& cluster, ServerId leader) {
  std::vector<ServerId> others = cluster.ids();
  std::erase(others, leader);
  return others;
}

// §1: the smallest story, with its numbers. Timeouts of 202, 293 and 282 ms are drawn at first and
// ever after, because each range is that one number.
TEST(Cluster, WalkThrough) {
  const Options plain = Options::plain();
  ModelCluster cluster({.options_of = {{1, with_timeout(plain, 202ms, 202ms)},
                                       {2, with_timeout(plain, 293ms, 293ms)},
                                       {3, with_timeout(plain, 282ms, 282ms)}}});
  const TimePoint start = cluster.now();
  EXPECT_EQ(cluster.run_until_leader(), 1U);
  EXPECT_GE(cluster.now(), start + 202ms);
  EXPECT_LE(cluster.now(), start + 202ms + 2ms + 2ms + 3ms) << "two syncs and three messages";
  cluster.run_for(5s);
  EXPECT_EQ(cluster.leader(), 1U);
  for (const ServerId id : cluster.ids()) {
    EXPECT_EQ(cluster.state(id).hard_state(), (HardState{.term = 1, .vote = 1}));
    EXPECT_EQ(cluster.state(id).leader(), 1U);
  }
  EXPECT_EQ(cluster.count(EventKind::became_candidate), 1U) << "nobody else ever times out";
  EXPECT_EQ(cluster.count(EventKind::granted_vote), 2U);
  EXPECT_EQ(cluster.count(EventKind::heard_leader), 2U);
}

// §1.4, K5: with a range of 5 ms votes are split now and then; each is followed by a winner.
TEST(Cluster, SplitVotesAreFollowedByAWinner) {
  const Options narrow = with_timeout(Options::plain(), 150ms, 155ms);
  std::size_t splits = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ModelCluster cluster({.servers = 3, .options = narrow, .seed = seed});
    const ServerId first = cluster.run_until_leader();
    ASSERT_NE(first, kNobody) << "seed " << seed;
    cluster.crash(first);
    const TimePoint crashed = cluster.now();
    ASSERT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
    if (cluster.count(EventKind::became_candidate, crashed) > 2) ++splits;
  }
  EXPECT_GT(splits, 0U);
}

// §1.6: a stale leader learns the new term from the first reply, and its heartbeats stop.
TEST(Cluster, AStaleLeaderFollowsWhenItComesBack) {
  for (const Options& options : {Options(), Options::plain()}) {
    ModelCluster cluster({.servers = 5, .options = options});
    const ServerId first = cluster.run_until_leader();
    cluster.isolate(first);
    ASSERT_TRUE(cluster.run_until(
        [&] { return cluster.leader() != first && cluster.leader() != kNobody; }, 10s));
    cluster.run_for(1s);
    const ServerId second = cluster.leader();
    const Term term = cluster.state(second).term();
    cluster.heal();
    cluster.run_for(1s);
    EXPECT_EQ(cluster.state(first).role(), Role::follower);
    EXPECT_EQ(cluster.state(first).leader(), cluster.leader());
    if (options.pre_vote) {
      EXPECT_EQ(cluster.leader(), second);
      EXPECT_EQ(cluster.highest_term(), term);
    }
  }
}

// §1.7, V8, B21: a follower that was cut off, and comes back, disturbs nobody.
TEST(Cluster, AReturningFollowerDisturbsNobody) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster({.seed = seed});
    const ServerId leader = cluster.run_until_leader();
    const Term term = cluster.highest_term();
    cluster.isolate(others_of(cluster, leader).front());
    cluster.run_for(3s);
    cluster.heal();
    cluster.run_for(1s);
    EXPECT_EQ(cluster.leader(), leader) << "seed " << seed;
    EXPECT_EQ(cluster.highest_term(), term) << "seed " << seed;
  }
}

// The same in plain Raft: it does disturb, which shows that the test above can fail.
TEST(Cluster, InPlainRaftAReturningFollowerDeposesTheLeader) {
  ModelCluster cluster({.options = Options::plain()});
  const ServerId leader = cluster.run_until_leader();
  const Term term = cluster.highest_term();
  cluster.isolate(others_of(cluster, leader).front());
  cluster.run_for(3s);
  cluster.heal();
  cluster.run_for(1s);
  EXPECT_GT(cluster.highest_term(), term);
  EXPECT_NE(cluster.leader(), kNobody);
}

// T1: V8 alone, without pre-vote, leaves a server stuck in a later term; its reply to a heartbeat
// frees it.
TEST(Cluster, AStuckServerIsFreedByItsReply) {
  Options options;
  options.pre_vote = false;
  ModelCluster cluster({.options = options});
  const ServerId leader = cluster.run_until_leader();
  const ServerId stuck = others_of(cluster, leader).front();
  cluster.isolate(stuck);
  cluster.run_for(2s);
  const Term far = cluster.state(stuck).term();
  EXPECT_GT(far, cluster.state(leader).term());
  cluster.heal();
  cluster.run_for(2s);
  EXPECT_NE(cluster.leader(), kNobody);
  EXPECT_GE(cluster.highest_term(), far);
  EXPECT_EQ(cluster.state(stuck).leader(), cluster.leader());
}

// P9: pre-vote on some servers only still elects, and again after the leader's death.
TEST(Cluster, PreVoteOnSomeServersOnlyStillElects) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster(
        {.servers = 5, .seed = seed, .options_of = {{2, Options::plain()}, {4, Options::plain()}}});
    for (int deaths = 0; deaths < 2; ++deaths) {
      const ServerId leader = cluster.run_until_leader();
      ASSERT_NE(leader, kNobody) << "seed " << seed;
      cluster.crash(leader);
      ASSERT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
    }
  }
}

// B14: one with a later term and a short log, one with an earlier term and a long log: pre-votes
// must not keep them apart for ever. The third is down.
TEST(Cluster, ALaterTermWithAShortLogIsNoDeadlock) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster({.seed = seed,
                          .logs = {{1, {1, 1, 1}}, {2, {1}}},
                          .hard_states = {{2, {.term = 6, .vote = 2}}}});
    cluster.crash(3);
    EXPECT_EQ(cluster.run_until_leader(), 1U) << "seed " << seed << ": the long log wins";
    EXPECT_GT(cluster.state(1).term(), 6U);
  }
}

// B15: four servers; a follower dies, then the leader, then the follower comes back in an old term.
TEST(Cluster, AServerOfALowerTermStillGrantsPreVotes) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster({.servers = 4, .seed = seed});
    ServerId leader = cluster.run_until_leader();
    const ServerId follower = others_of(cluster, leader).front();
    cluster.crash(follower);
    for (int elections = 0; elections < 2; ++elections) {  // the term goes on without it
      cluster.isolate(leader);
      cluster.run_for(2s);
      cluster.heal();
      leader = cluster.run_until_leader();
      ASSERT_NE(leader, kNobody) << "seed " << seed;
    }
    cluster.crash(leader);
    cluster.run_for(1s);
    EXPECT_EQ(cluster.leader(), kNobody) << "two of four are no majority";
    cluster.restart(follower);
    EXPECT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
  }
}

// B17: a server that asks and asks, and never wins, does not keep the others from standing.
TEST(Cluster, AHopelessAskerDoesNotHoldUpTheOthers) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Options eager = with_timeout(Options(), 100ms, 110ms);
    ModelCluster cluster(
        {.seed = seed, .options_of = {{3, eager}}, .logs = {{1, {1, 1}}, {2, {1, 1}}}});
    const ServerId leader = cluster.run_until_leader(3s);
    EXPECT_NE(leader, kNobody) << "seed " << seed;
    EXPECT_NE(leader, 3U) << "its log is behind";
  }
}

// B18: it does not depose leaders, either, when there are short times without one.
TEST(Cluster, AHopelessAskerRaisesNoTerm) {
  ModelCluster cluster({.logs = {{1, {1, 1}}, {2, {1, 1}}}});
  cluster.cut(1, 3);
  cluster.cut(2, 3);
  ASSERT_NE(cluster.run_until_leader(), kNobody);
  for (int i = 0; i < 20; ++i) {
    cluster.heal();
    cluster.run_for(100ms);
    cluster.cut(1, 3);
    cluster.cut(2, 3);
    cluster.run_for(400ms);
  }
  EXPECT_EQ(cluster.highest_term(), 2U);
}

// B11, K8: votes and their answers get lost; asking again within the round still elects.
TEST(Cluster, ElectsOverALossyNetwork) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    ModelCluster cluster({.servers = 5, .seed = seed, .loss = 0.3, .duplication = 0.2});
    EXPECT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
  }
}

// B23: messages take most of a timeout at a cold start; there is a leader all the same.
TEST(Cluster, AColdStartOverSlowLinksElects) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ModelCluster cluster(
        {.servers = 5, .seed = seed, .latency_min = 10ms, .latency_max = 40ms, .sync_max = 20ms});
    EXPECT_NE(cluster.run_until_leader(), kNobody) << "seed " << seed;
  }
}

// B24: a chain 1-2-3: whoever leads, the one that does not hear it deposes nobody for long.
TEST(Cluster, AChainOfThreeHasAStableLeader) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    ModelCluster cluster({.seed = seed});
    cluster.cut(1, 3);
    const ServerId leader = cluster.run_until_leader();
    ASSERT_NE(leader, kNobody) << "seed " << seed;
    const TimePoint stable = cluster.now();
    cluster.run_for(20s);
    EXPECT_EQ(cluster.leader(), leader) << "seed " << seed;
    EXPECT_EQ(cluster.count(EventKind::became_leader, stable + 1ms), 0U) << "seed " << seed;
  }
}

// B24: five servers; 4 is linked to 2 only, 5 to 3 only.
TEST(Cluster, PartialPartitionsHaveAStableLeader) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    ModelCluster cluster({.servers = 5, .seed = seed});
    for (const ServerId other : {1U, 3U, 5U}) cluster.cut(4, other);
    for (const ServerId other : {1U, 2U}) cluster.cut(5, other);
    cluster.run_for(5s);
    const ServerId leader = cluster.leader();
    ASSERT_NE(leader, kNobody) << "seed " << seed;
    const TimePoint stable = cluster.now();
    cluster.run_for(20s);
    EXPECT_EQ(cluster.count(EventKind::became_leader, stable), 0U) << "seed " << seed;
  }
}

// L5, B24: a leader that sends, and is not answered, makes room.
TEST(Cluster, ALeaderThatHearsNobodyMakesRoom) {
  ModelCluster cluster({});
  const ServerId leader = cluster.run_until_leader();
  for (const ServerId other : others_of(cluster, leader)) cluster.cut_one_way(other, leader);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.state(leader).role() != Role::leader; }, 1s));
  cluster.run_for(2s);
  EXPECT_NE(cluster.leader(), kNobody);
  EXPECT_NE(cluster.leader(), leader);
}

// C3, C4, H5: a leader that was stopped for seconds follows the new one when it goes on; a follower
// that was stopped hears the heartbeats that had arrived before it looks at its deadline.
TEST(Cluster, APausedServerGoesOnQuietly) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ModelCluster cluster({.seed = seed});
    const ServerId first = cluster.run_until_leader();
    cluster.pause(first);
    cluster.run_for(3s);
    ASSERT_TRUE(cluster.run_until(
        [&] {
          return std::ranges::any_of(others_of(cluster, first), [&](ServerId id) {
            return cluster.state(id).role() == Role::leader;
          });
        },
        5s));
    const Term term = cluster.highest_term();
    cluster.resume(first);
    cluster.run_for(1s);
    EXPECT_EQ(cluster.state(first).role(), Role::follower) << "seed " << seed;
    EXPECT_EQ(cluster.highest_term(), term) << "seed " << seed;
    const ServerId second = cluster.leader();
    const ServerId follower = others_of(cluster, second).front();
    cluster.pause(follower);
    cluster.run_for(2s);
    const TimePoint resumed = cluster.now();
    cluster.resume(follower);
    cluster.run_for(1s);
    EXPECT_EQ(cluster.leader(), second) << "seed " << seed;
    EXPECT_EQ(cluster.count(EventKind::began_pre_vote, resumed), 0U) << "seed " << seed;
  }
}

// V1, B07: the longest log wins, whoever else stands, because voters see to it.
TEST(Cluster, OnlyAnUpToDateLogWins) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    for (const Options& options : {Options(), Options::plain()}) {
      ModelCluster cluster({.servers = 5,
                            .options = options,
                            .seed = seed,
                            .logs = {{1, {1, 3}}, {2, {1, 1, 1, 1}}, {3, {1, 3}}, {4, {1, 3, 3}}}});
      const ServerId leader = cluster.run_until_leader();
      EXPECT_TRUE(leader == 1 || leader == 3 || leader == 4) << "seed " << seed << ": " << leader;
    }
  }
}

// Anything at any time, while commands are proposed: B01, B03, B04, B06, B10, B13, B31, B32. The
// model checks after every event that all rules of model_history.h hold; in the end, when all
// faults are over, there is a leader, and all have the same log. Three kinds of options; the
// windows are narrow, and few entries stay in memory.
void torment(ModelCluster& cluster, Random& random) {
  for (int blow = 0; blow < 40; ++blow) {
    const ServerId victim = 1 + random.below(cluster.ids().size());
    const ServerId other = 1 + random.below(cluster.ids().size());
    switch (random.below(6)) {
      case 0:
        if (cluster.is_up(victim)) cluster.crash(victim);
        break;
      case 1:
        if (!cluster.is_up(victim)) cluster.restart(victim);
        break;
      case 2: cluster.pause(victim); break;
      case 3: cluster.resume(victim); break;
      case 4:
        if (victim != other) cluster.cut_one_way(victim, other);
        break;
      case 5: cluster.heal(); break;
      default: break;
    }
    for (std::size_t commands = random.below(4); commands > 0; --commands) {
      cluster.propose();
      cluster.run_for(random.between(1ms, 120ms));
    }
    cluster.run_for(random.between(1ms, 300ms));
  }
}

TEST(Cluster, NoFaultElectsTwoLeadersOrLosesWhatIsCommitted) {
  Options mixed;
  mixed.pre_vote = false;
  std::size_t leaders = 0;
  std::size_t committed = 0;
  std::size_t deletions = 0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Options options = std::vector{Options(), Options::plain(), mixed}[seed % 3];
    options.replication = {.batch_bytes = 100 + 70 * (seed % 4),
                           .window_messages = 1 + seed % 5,
                           .cache_bytes = seed % 2 == 0 ? 200U : 5000U};
    ModelCluster cluster({.servers = seed % 2 == 0 ? 5U : 3U,
                          .options = options,
                          .seed = seed,
                          .latency_max = 60ms,
                          .sync_max = 60ms,
                          .loss = 0.05,
                          .duplication = 0.1});
    Random random(seed);
    torment(cluster, random);
    cluster.heal();
    cluster.set_loss(0);
    for (const ServerId id : cluster.ids()) {
      if (!cluster.is_up(id)) cluster.restart(id);
      cluster.resume(id);
    }
    ASSERT_NE(cluster.run_until_leader(60s), kNobody) << "seed " << seed;
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_agree(); }, 60s)) << "seed " << seed;
    leaders += cluster.count(EventKind::became_leader);
    deletions += cluster.count(EventKind::deleted_entries);
    committed += cluster.committed().size();
  }
  EXPECT_GT(leaders, 1000U) << "there was something to go wrong";
  EXPECT_GT(deletions, 50U);
  EXPECT_GT(committed, 5000U);
}

}  // namespace
}  // namespace coracle::raft
