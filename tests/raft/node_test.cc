// Nodes as coroutines, on the real loop and real files, with times short enough to wait for.
// What they decide is tested in the other files; here it is that they wait for the right things.
#include "raft/node.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "raft/disk_storage.h"
#include "raft/hard_state.h"
#include "raft/replicated_map.h"
#include "runtime/error.h"
#include "runtime/file.h"
#include "tests/raft/disk_faults.h"
#include "tests/raft/memory_network.h"
#include "tests/raft/with_directory.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

constexpr ClusterId kTheCluster = 7;

Options quick() {
  Options options;
  options.timing = {.heartbeat = 20ms, .timeout_min = 60ms, .timeout_max = 120ms};
  return options;
}

// The servers of one cluster in one process; each has a directory of its own, and may be stopped
// and started.
class Cluster {
 public:
  Cluster(std::string directory, std::size_t servers, const Options& options = quick())
      : directory_(std::move(directory)), options_(options) {
    for (ServerId id = 1; id <= servers; ++id) voters_.push_back(id);
  }

  // Runs server `id` in `group` until stop().
  void start(TaskGroup& group, ServerId id) {
    group.spawn("server-" + std::to_string(id), &Cluster::serve, this, id);
  }
  void start_all(TaskGroup& group) {
    for (const ServerId id : voters_) start(group, id);
  }
  void stop(ServerId id) { servers_.at(id).group->cancel(); }

  // Waits until `holds(*this)`.
  template <class Predicate>
  Task<> until(Predicate holds) {
    while (!holds()) co_await happened_.wait();
  }

  // Waits until a majority follows one leader among `servers`, and returns it.
  Task<ServerId> leader_of(std::set<ServerId> servers) {
    for (;;) {
      for (const auto& [id, server] : servers_) {
        if (!servers.contains(id) || server.node->status().role != "leader") continue;
        const Term term = server.node->status().term;
        std::size_t following = 0;
        for (const auto& [other_id, other] : servers_) {
          const Status status = other.node->status();
          if (servers.contains(other_id) && status.leader == id && status.term == term) ++following;
        }
        if (following > voters_.size() / 2) co_return id;
      }
      co_await happened_.wait();
    }
  }

  [[nodiscard]] Status status(ServerId id) const { return servers_.at(id).node->status(); }
  [[nodiscard]] bool is_up(ServerId id) const { return servers_.contains(id); }
  [[nodiscard]] bool follows(ServerId id) const {
    const Status own = status(id);
    return own.role == "follower" && is_up(own.leader) && status(own.leader).role == "leader";
  }
  [[nodiscard]] const std::deque<std::pair<ServerId, Event>>& events() const { return events_; }
  [[nodiscard]] std::set<ServerId> all() const { return {voters_.begin(), voters_.end()}; }
  [[nodiscard]] std::string directory_of(ServerId id) const {
    return directory_ + "/" + std::to_string(id);
  }
  MemoryNetwork network;

 private:
  struct Running {
    Node* node;
    TaskGroup* group;
  };

  Task<> serve(ServerId id) {
    DiskStorage storage = co_await DiskStorage::open(directory_of(id), kTheCluster, id);
    MemoryTransport transport(network, id);
    const EventSink observe = [this, id](const Event& event) {
      events_.emplace_back(id, event);
      happened_.notify_all();
    };
    ReplicatedMap map;
    Node node(storage, Configuration(voters_), transport, map, options_, observe);
    struct AtEnd {
      Cluster& cluster;
      ServerId id;
      ~AtEnd() {
        cluster.servers_.erase(id);
        cluster.happened_.notify_all();
      }
    } const at_end{*this, id};
    co_await task_group([&](TaskGroup& group) -> Task<> {
      servers_[id] = {.node = &node, .group = &group};
      co_await node.run();
    });
  }

  std::string directory_;
  Options options_;
  std::vector<ServerId> voters_;
  std::map<ServerId, Running> servers_;
  std::deque<std::pair<ServerId, Event>> events_;
  Condition happened_;
};

// Elects, loses its leader, elects another; the old one comes back and follows.
TEST(NodeTest, ElectsAndElectsAgain) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 3);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.start_all(group);
      const ServerId first = co_await cluster.leader_of(cluster.all());
      const Term term = cluster.status(first).term;
      cluster.stop(first);
      co_await cluster.until([&] { return !cluster.is_up(first); });
      std::set<ServerId> others = cluster.all();
      others.erase(first);
      const ServerId second = co_await cluster.leader_of(others);
      EXPECT_NE(second, first);
      EXPECT_GT(cluster.status(second).term, term);
      cluster.start(group, first);
      co_await cluster.until([&] { return cluster.is_up(first) && cluster.follows(first); });
      EXPECT_GT(cluster.status(first).term, term);
      group.cancel();
    });
  });
}

// The same without pre-vote, quorum check and V8, and with five servers.
TEST(NodeTest, PlainRaftElectsToo) {
  run_with_directory([](std::string directory) -> Task<> {
    Options options = Options::plain();
    options.timing = quick().timing;
    Cluster cluster(directory, 5, options);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.start_all(group);
      const ServerId first = co_await cluster.leader_of(cluster.all());
      cluster.stop(first);
      co_await cluster.until([&] { return !cluster.is_up(first); });
      const ServerId second = co_await cluster.leader_of(cluster.all());
      EXPECT_NE(second, first);
      group.cancel();
    });
    for (const auto& [id, event] : cluster.events()) {
      EXPECT_NE(event.kind, EventKind::began_pre_vote);
    }
  });
}

// L5, §1.6: a leader that is cut off steps down by itself; when it comes back it follows. (That the
// others' term stays is tested where time is virtual: here a busy machine may move it.)
TEST(NodeTest, ACutOffLeaderStepsDownAndComesBack) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 3);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.start_all(group);
      const ServerId first = co_await cluster.leader_of(cluster.all());
      std::set<ServerId> others = cluster.all();
      others.erase(first);
      cluster.network.cut({first}, others);
      co_await cluster.until([&] { return cluster.status(first).role != "leader"; });
      const ServerId second = co_await cluster.leader_of(others);
      EXPECT_NE(second, first);
      co_await cluster.until([&] { return cluster.status(first).role == "pre-candidate"; });
      cluster.network.heal();
      co_await cluster.until([&] { return cluster.follows(first); });
      group.cancel();
    });
  });
}

// P1, B17, B18: without a majority there are rounds of pre-votes, and no terms.
TEST(NodeTest, AMinorityRaisesNoTerm) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 5);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.start(group, 1);
      cluster.start(group, 2);
      co_await cluster.until([&] {
        std::size_t rounds = 0;
        for (const auto& [id, event] : cluster.events()) {
          if (event.kind == EventKind::began_pre_vote) ++rounds;
        }
        return rounds >= 6;
      });
      EXPECT_EQ(cluster.status(1).term, 0U);
      EXPECT_EQ(cluster.status(2).term, 0U);
      group.cancel();
    });
  });
}

// V14, V11: alone, it leads at once, and its vote is on the disk by then.
TEST(NodeTest, OneServerLeadsOnceItsVoteIsDurable) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 1);
    for (Term term = 1; term <= 3; ++term) {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        cluster.start_all(group);
        const ServerId leader = co_await cluster.leader_of(cluster.all());
        EXPECT_EQ(leader, 1U);
        EXPECT_EQ(cluster.status(1).term, term) << "one more than before the restart";
        File file = co_await File::open(cluster.directory_of(1) + "/hard_state", OpenMode::read);
        std::vector<std::byte> bytes(kHardStateFileBytes);
        co_await file.read_at(bytes, 0);
        const ReadHardState found = read_hard_state(bytes, kTheCluster, 1);
        EXPECT_EQ(found.record.hard_state, (HardState{.term = term, .vote = 1}));
        EXPECT_EQ(found.record.identity.incarnation.start, term);
        group.cancel();
      });
    }
  });
}

// D3: a disk that fails ends the node, with the disk's own words.
TEST(NodeTest, AFailedSyncStopsTheNode) {
  run_with_directory([](std::string directory) -> Task<> {
    DiskStorage storage = co_await DiskStorage::open(directory + "/1", kTheCluster, 1);
    MemoryNetwork network;
    MemoryTransport transport(network, 1);
    plan_fault({.kind = DiskFault::Kind::fail, .nth = 2});  // the write, and then the sync
    ReplicatedMap map;
    Node node(storage, Configuration({1}), transport, map, quick());
    std::string failure;
    try {
      co_await node.run();
    } catch (const Error& error) {
      failure = error.what();
    }
    plan_fault({});
    EXPECT_NE(failure.find("hard_state: Input/output error"), std::string::npos) << failure;
    EXPECT_EQ(node.status().role, "candidate") << "its vote is not durable";
  });
}

// T1: a server stuck in a later term gets back in, by its reply to the leader.
TEST(NodeTest, AServerStuckInALaterTermGetsBackIn) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 3);
    {
      const std::string directory_of_3 = cluster.directory_of(3);
      DiskStorage storage = co_await DiskStorage::open(directory_of_3, kTheCluster, 3);
      std::vector<Change> changes;
      changes.push_back(
          {.number = storage.recovered().change + 1, .what = HardState{.term = 50, .vote = 3}});
      co_await storage.write(changes);
    }
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.network.cut({3}, {1, 2});
      cluster.start_all(group);
      const std::set<ServerId> healthy{1, 2};
      const ServerId first = co_await cluster.leader_of(healthy);
      EXPECT_LT(cluster.status(first).term, 50U);
      cluster.network.heal();
      co_await cluster.until([&] {
        return cluster.status(1).term >= 50 && cluster.status(3).leader != kNobody &&
               cluster.status(1).leader == cluster.status(3).leader;
      });
      group.cancel();
    });
  });
}

// A one-way link: the leader is heard, its followers' answers are not: it must give up.
TEST(NodeTest, ALeaderThatIsNotAnsweredStepsDown) {
  run_with_directory([](std::string directory) -> Task<> {
    Cluster cluster(directory, 3);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      cluster.start_all(group);
      const ServerId first = co_await cluster.leader_of(cluster.all());
      for (const ServerId other : cluster.all()) {
        if (other != first) cluster.network.cut_one_way(other, first);
      }
      co_await cluster.until([&] { return cluster.status(first).role != "leader"; });
      cluster.network.heal();
      (void)co_await cluster.leader_of(cluster.all());
      group.cancel();
    });
  });
}

}  // namespace
}  // namespace coracle::raft
