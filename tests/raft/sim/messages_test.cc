// What can be done to messages between simulated servers, and that each of it is seen to be done.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "raft/sim/cluster.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

// Counts what a cluster's servers say to each other.
class Listener final : public ClusterObserver {
 public:
  explicit Listener(RaftCluster& cluster) : cluster_(cluster) { cluster.observe(this); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { cluster_.observe(nullptr); }

  void event(const Happened& /*happened*/) override {}
  void sends(const Message& message) override { sent.push_back(message); }
  void receives(const Message& message) override { received.push_back(message); }
  void loses(const Message& message) override { lost.push_back(message); }

  static std::size_t count(const std::vector<Message>& messages, MessageKind kind, ServerId from,
                           ServerId to) {
    std::size_t number = 0;
    for (const Message& message : messages) {
      number += message.kind == kind && message.from == from && message.to == to ? 1 : 0;
    }
    return number;
  }

  std::vector<Message> sent;
  std::vector<Message> received;
  std::vector<Message> lost;

 private:
  RaftCluster& cluster_;
};

// Server 1 stands first, in term 1, in the paper's Raft.
std::unique_ptr<RaftCluster> cluster_of_three() {
  auto cluster = std::make_unique<RaftCluster>(
      ClusterSetup{.servers = 3, .seed = 1, .options = Options::plain()});
  cluster->add_timeouts(1, {150ms});
  cluster->add_timeouts(2, {290ms});
  cluster->add_timeouts(3, {290ms});
  return cluster;
}

TEST(MessageFaults, LoseTheNextOneOfAKind) {
  const auto cluster = cluster_of_three();
  const Listener heard(*cluster);
  cluster->message_faults().plan(MessageKind::request_vote, 1, 2, {.kind = Fate::Kind::drop}, 1);
  EXPECT_EQ(cluster->message_faults().unmet(), std::vector<std::string>{"request_vote 1 -> 2"});
  EXPECT_EQ(cluster->run_until_leader(1s), 1U);
  EXPECT_TRUE(cluster->message_faults().unmet().empty());
  EXPECT_EQ(Listener::count(heard.lost, MessageKind::request_vote, 1, 2), 1U);
}

TEST(MessageFaults, LoseAReplyOnlyAfterItWasDecided) {
  const auto cluster = cluster_of_three();
  const Listener heard(*cluster);
  for (const ServerId voter : {2U, 3U}) {
    cluster->message_faults().plan(MessageKind::request_vote_reply, voter, 1,
                                   {.kind = Fate::Kind::drop}, 1);
  }
  EXPECT_TRUE(cluster->run_until([&] { return !heard.lost.empty(); }, 1s));
  EXPECT_TRUE(cluster->state(heard.lost.front().from).vote() == 1);
  EXPECT_EQ(cluster->run_until_leader(1s), 1U);  // asked again (K8), granted again (B11)
  EXPECT_EQ(cluster->highest_term(), 1U);
}

TEST(MessageFaults, DelayTheNextOneOfAKind) {
  const auto cluster = cluster_of_three();
  const Listener heard(*cluster);
  cluster->message_faults().plan(MessageKind::request_vote, 1, 2,
                                 {.kind = Fate::Kind::delay, .by = 30ms}, 1);
  const auto arrived = [&](ServerId to) {
    return Listener::count(heard.received, MessageKind::request_vote, 1, to) > 0;
  };
  EXPECT_TRUE(cluster->run_until([&] { return arrived(3); }, 1s));
  const TimePoint asked = cluster->now();
  EXPECT_TRUE(cluster->run_until([&] { return arrived(2); }, 1s));
  EXPECT_GE(cluster->now() - asked, 29ms);
}

TEST(MessageFaults, RepeatARequest) {
  const auto cluster = cluster_of_three();
  const Listener heard(*cluster);
  cluster->message_faults().plan(MessageKind::request_vote, 1, 2, {.kind = Fate::Kind::duplicate},
                                 1);
  EXPECT_EQ(cluster->run_until_leader(1s), 1U);
  cluster->run_for(10ms);
  EXPECT_EQ(Listener::count(heard.received, MessageKind::request_vote, 1, 2), 2U);
}

// Both copies of the question get the same answer, at one instant. (V12)
TEST(MessageFaults, RepeatAReply) {
  const auto cluster = cluster_of_three();
  const Listener heard(*cluster);
  cluster->message_faults().plan_all(MessageKind::request_vote, 1, 3, {.kind = Fate::Kind::drop});
  cluster->message_faults().plan(MessageKind::request_vote_reply, 2, 1,
                                 {.kind = Fate::Kind::duplicate}, 1);
  EXPECT_TRUE(cluster->run_until(
      [&] { return Listener::count(heard.received, MessageKind::request_vote_reply, 2, 1) == 2; },
      1s));
  EXPECT_EQ(cluster->count(EventKind::received_vote), 1U);
}

TEST(PostedRequest, IsHandledAsIfItHadBeenSent) {
  const auto cluster = cluster_of_three();
  EXPECT_EQ(cluster->run_until_leader(1s), 1U);
  RequestVote request;
  request.header = cluster->header(3, 2);
  request.term = 9;
  request.last_log = {.term = 8, .index = 1};  // as good as that of the other, whatever it has got
  cluster->post(2, request);
  EXPECT_TRUE(cluster->run_until([&] { return cluster->state(2).vote() == 3; }, 100ms));
  EXPECT_EQ(cluster->state(2).term(), 9U);
}

TEST(PostedRequest, OfAnotherClusterIsIgnored) {  // N1
  const auto cluster = cluster_of_three();
  EXPECT_EQ(cluster->run_until_leader(1s), 1U);
  RequestVote request;
  request.header = cluster->header(3, 2);
  request.header.cluster += 1;
  request.term = 9;
  cluster->post(2, request);
  cluster->run_for(50ms);
  EXPECT_EQ(cluster->state(2).term(), 1U);
  EXPECT_EQ(cluster->count(EventKind::ignored_message), 1U);
}

}  // namespace
}  // namespace coracle::raft::sim
