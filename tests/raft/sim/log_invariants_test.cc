// That what must hold of logs can be seen not to hold.
#include "raft/sim/log_invariants.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "raft/sim/cluster.h"
#include "raft/sim/durable_record.h"
#include "raft/sim/seat.h"
#include "runtime/random.h"
#include "runtime/sim/disk.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

const std::string kDirectory = "/data";

// The servers of a cluster as invariants see them.
class Views {
 public:
  explicit Views(const RaftCluster& cluster) : cluster_(cluster) {
    for (const ServerId id : cluster.ids()) {
      disks_.emplace_back(cluster.disk(id), kDirectory, kCluster, id);
    }
  }

  [[nodiscard]] const DurableRecord& disk(ServerId id) const { return disks_[id - 1]; }
  [[nodiscard]] View of(ServerId id) const { return of(id, disk(id)); }
  // With another disk in the place of its own.
  [[nodiscard]] View of(ServerId id, const DurableRecord& disk) const {
    return {.id = id,
            .state = cluster_.state(id),
            .now = cluster_.now(),
            .shortest_drawn = {},
            .longest_drawn = {},
            .disk = disk};
  }

 private:
  const RaftCluster& cluster_;
  std::deque<DurableRecord> disks_;
};

// Server 3 had entries that the leader has deleted.
void replace_entries_of_the_third(RaftCluster& cluster) {
  cluster.set_log(1, {1, 1, 4, 4});
  cluster.set_log(2, {1, 1, 4, 4});
  cluster.set_log(3, {1, 1, 2, 2, 3});
  ASSERT_TRUE(cluster.elect(1));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.state(3).commit_index() == 5; }));
  cluster.run_for(100ms);
}

TEST(DurableRecord, RemembersWhatWasReplaced) {
  RaftCluster cluster({.servers = 3, .seed = 1});
  replace_entries_of_the_third(cluster);
  const Views views(cluster);
  const DurableRecord& disk = views.disk(3);
  for (int reading = 1; reading <= 2; ++reading) {
    EXPECT_TRUE(holds(disk.log(), {.term = 4, .index = 4}));
    EXPECT_FALSE(holds(disk.log(), {.term = 2, .index = 4}));
    const std::vector<LogPosition> held = {{1, 2}, {2, 3}, {2, 4}, {3, 5}};
    for (const LogPosition& entry : held) {
      EXPECT_TRUE(disk.has_held(entry)) << entry.term << " " << entry.index;
    }
    const std::vector<LogPosition> never = {{3, 3}, {2, 5}, {3, 6}, {2, 2}};
    for (const LogPosition& entry : never) {
      EXPECT_FALSE(disk.has_held(entry)) << entry.term << " " << entry.index;
    }
    disk.read_again();
  }
}

TEST(DurableBeforeAcknowledged, ExcusesOnlyWhatWasDurableOnce) {
  RaftCluster cluster({.servers = 3, .seed = 1});
  replace_entries_of_the_third(cluster);
  const Views views(cluster);
  Message reply{.kind = MessageKind::append_entries_reply,
                .from = 3,
                .to = 1,
                .term = 4,
                .granted = true,
                .matched = {.term = 2, .index = 4}};
  DurableBeforeAcknowledged::sends(reply, views.of(3));
  Message too_much = reply;
  too_much.matched.index = 5;
  EXPECT_DEATH(DurableBeforeAcknowledged::sends(too_much, views.of(3)), "not durable");
  Message too_late = reply;
  too_late.term = cluster.state(3).term();
  EXPECT_DEATH(DurableBeforeAcknowledged::sends(too_late, views.of(3)), "not durable");
}

TEST(MatchIsDurable, FailsForWhatNoDiskHolds) {
  RaftCluster cluster({.servers = 3, .seed = 1});
  const ServerId leader = cluster.run_until_leader();
  cluster.run_for(1s);
  const Views views(cluster);
  MatchIsDurable invariant;
  for (const ServerId id : cluster.ids()) invariant.started(views.of(id));
  invariant.observe(views.of(leader));

  Random random(1);
  const coracle::sim::Disk disk(random);
  const ServerId follower = leader % 3 + 1;
  const DurableRecord nothing(disk, kDirectory, kCluster, follower);
  MatchIsDurable other;
  for (const ServerId id : cluster.ids()) other.started(views.of(id));
  other.started(views.of(follower, nothing));
  EXPECT_DEATH(other.observe(views.of(leader)), "a match index counts what");
}

// In whichever order the two come.
TEST(Commitment, FailsForALeaderWithoutWhatWasCommittedBefore) {
  RaftCluster early({.servers = 3, .seed = 1});
  const ServerId old_leader = early.run_until_leader();
  early.run_for(1s);
  RaftCluster late({.servers = 3, .seed = 2});
  for (const ServerId id : late.ids()) late.set_hard_state(id, {.term = 4, .vote = kNobody});
  const ServerId new_leader = late.run_until_leader();
  ASSERT_GT(late.state(new_leader).term(), early.state(old_leader).term());
  const Views old_views(early);
  const Views new_views(late);

  Commitment commits_first;
  for (const ServerId id : early.ids()) commits_first.started(old_views.of(id));
  commits_first.elected(old_views.of(old_leader));
  commits_first.observe(old_views.of(old_leader));
  EXPECT_DEATH(commits_first.elected(new_views.of(new_leader)), "all that was committed before");

  Commitment commits_last;
  for (const ServerId id : early.ids()) commits_last.started(old_views.of(id));
  commits_last.elected(old_views.of(old_leader));
  commits_last.elected(new_views.of(new_leader));
  EXPECT_DEATH(commits_last.observe(old_views.of(old_leader)), "what an old leader commits");
}

}  // namespace
}  // namespace coracle::raft::sim
