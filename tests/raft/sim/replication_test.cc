// What a service sees of a cluster in the simulator: commands, reads, and how much memory they
// take.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/sim/cluster.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

using Given = std::optional<ClientAnswer>;

// Has a server asked; `given` gets the answer.
void ask(RaftCluster& cluster, ServerId server, ClientRequest request, Given& given) {
  given.reset();
  ASSERT_TRUE(cluster.ask(server, std::move(request),
                          [&given](const ClientAnswer& answer) { given = answer; }));
}

AskedCommand put(std::string key, std::string value) {
  return {
      .command = {.kind = MapCommand::Kind::put, .key = std::move(key), .value = std::move(value)},
      .session = {}};
}

bool all_hold(const RaftCluster& cluster, std::string_view key, std::string_view value) {
  for (const ServerId id : cluster.ids()) {
    if (!cluster.is_up(id) || cluster.map(id).find(key) != value) return false;
  }
  return true;
}

// A8: as large as is allowed, larger than a segment of the log, and than a batch.
TEST(Replication, CarriesTheLargestCommand) {
  Options options;
  options.replication.command_bytes_max = std::size_t{6} << 20;
  RaftCluster cluster({.servers = 3, .seed = 1, .options = options});
  const ServerId leader = cluster.run_until_leader();
  const std::string large(options.replication.command_bytes_max - 100, 'x');
  Given given;
  ask(cluster, leader, put("large", large), given);
  ASSERT_TRUE(cluster.run_until([&] { return all_hold(cluster, "large", large); }, 20s));
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->kind, ClientAnswer::Kind::done);
  for (const ServerId id : cluster.ids()) cluster.crash_machine(id);
  for (const ServerId id : cluster.ids()) cluster.restart(id);
  EXPECT_TRUE(cluster.run_until([&] { return all_hold(cluster, "large", large); }, 20s));
}

// What all have and have applied leaves memory; a follower that was away gets it from the disk.
TEST(Replication, KeepsInMemoryWhatIsNeeded) {
  constexpr std::size_t kCommand = 1000;
  constexpr int kCommands = 200;
  Options options;
  options.replication.cache_bytes = 20 * kCommand;
  RaftCluster cluster({.servers = 3, .seed = 2, .options = options});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.elect(leader));
  const ServerId away = leader % 3 + 1;
  cluster.isolate(away);
  Given given;
  for (int i = 0; i < kCommands; ++i) {
    ask(cluster, leader, put("k", std::string(kCommand, 'x')), given);
    ASSERT_TRUE(cluster.run_until([&] { return given.has_value(); }, 2s)) << i;
    if (i < 20) continue;
    const std::size_t kept = cluster.state(leader).log().cached_bytes();
    ASSERT_LE(kept, options.replication.cache_bytes + 4 * kCommand) << i;
  }
  cluster.heal();
  ASSERT_TRUE(cluster.run_until(
      [&] { return cluster.state(away).applied_index() == cluster.state(leader).applied_index(); },
      10s));
  cluster.run_for(1s);
  EXPECT_EQ(cluster.state(leader).log().cached_bytes(), 0U) << "all have all";
}

// A bounded number of bytes is under way, and the others wait for their turn.
TEST(Replication, HasProposalsWaitForRoom) {
  Options options;
  options.replication.proposal_bytes_max = 3000;
  RaftCluster cluster({.servers = 3, .seed = 3, .options = options});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.elect(leader));
  std::vector<Given> given(20);
  for (std::size_t i = 0; i < given.size(); ++i) {
    ask(cluster, leader, put("k", std::string(900, 'x')), given[i]);
  }
  const auto all = [&] {
    EXPECT_LE(cluster.state(leader).proposals().bytes(), options.replication.proposal_bytes_max);
    return std::ranges::all_of(given, [](const Given& one) { return one.has_value(); });
  };
  EXPECT_TRUE(cluster.run_until(all, 5s));
}

// L4, R4: who waits for room has had nothing done; who waits for a commit cannot know.
TEST(Replication, TellsTheTruthWhenLeadershipEnds) {
  Options options;
  options.replication.proposal_bytes_max = 1000;
  RaftCluster cluster({.servers = 3, .seed = 4, .options = options});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.elect(leader));
  cluster.isolate(leader);
  Given appended;
  Given waiting;
  ask(cluster, leader, put("a", std::string(900, 'x')), appended);
  ask(cluster, leader, put("b", std::string(900, 'x')), waiting);
  ASSERT_TRUE(cluster.run_until([&] { return appended && waiting; }, 2s));
  EXPECT_EQ(appended->kind, ClientAnswer::Kind::unknown);
  EXPECT_EQ(waiting->kind, ClientAnswer::Kind::not_leader);
}

// NotLeader says where to go.
TEST(Replication, SendsClientsToTheLeader) {
  RaftCluster cluster({.servers = 3, .seed = 5});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.elect(leader));
  Given given;
  ask(cluster, leader % 3 + 1, put("a", "1"), given);
  ASSERT_TRUE(cluster.run_until([&] { return given.has_value(); }, 1s));
  EXPECT_EQ(given->kind, ClientAnswer::Kind::not_leader);
  EXPECT_EQ(given->leader, leader);
}

// Many reads that come together share few messages. (R1)
TEST(Replication, ReadsShareTheirRounds) {
  RaftCluster cluster({.servers = 3, .seed = 6});
  const ServerId leader = cluster.run_until_leader();
  ASSERT_TRUE(cluster.elect(leader));
  cluster.run_for(1s);
  struct Counter final : ClusterObserver {
    void event(const Happened&) override {}
    void sends(const Message& message) override {
      sent +=
          message.kind == MessageKind::append_entries || message.kind == MessageKind::read_index;
    }
    void receives(const Message&) override {}
    void loses(const Message&) override {}
    int sent = 0;
  } counter;
  cluster.observe(&counter);
  std::vector<Given> given(100);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const ServerId server = 1 + i % 3;
    ask(cluster, server, AskedRead{.key = "k"}, given[i]);
  }
  ASSERT_TRUE(cluster.run_until(
      [&] { return std::ranges::all_of(given, [](const Given& one) { return one.has_value(); }); },
      1s));
  for (const Given& one : given) EXPECT_EQ(one->kind, ClientAnswer::Kind::done);
  EXPECT_LE(counter.sent, 30);
  cluster.observe(nullptr);
}

}  // namespace
}  // namespace coracle::raft::sim
