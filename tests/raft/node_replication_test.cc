// Entries on their way to disks, followers and state machines, as a node has them: A6, A10, B36,
// R1.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/raft/lone_node.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

struct Answered {
  std::vector<AppendEntriesReply> replies;
};

Task<> append(Service& service, AppendEntries request, Answered& answered) {
  const std::optional<AppendEntriesReply> reply = co_await service.answer(request);
  if (reply) answered.replies.push_back(*reply);
}

// A6, A10: while entries are on the way to a disk that is stuck, heartbeats are answered, and tell
// what is durable now; the entries are acknowledged once they are.
TEST(NodeReplicationTest, AStuckDiskHoldsUpEntriesAndNoHeartbeat) {
  Answered answered;
  with_node(kFrozen, [&](Lone& server, TaskGroup& group) -> Task<> {
    Service* service = co_await server.transport.service();
    const AppendEntries first = heartbeat(2, 1);
    co_await service->answer(first);  // the term is durable
    {
      const Planned planned(kFirstSyncHangs);
      group.spawn("append", append, std::ref(*service), append_request(2, 1, {}, {1, 1}, 2),
                  std::ref(answered));
      co_await until_it_hangs();
      const AppendEntries beat = heartbeat(2, 1, {1, 2}, 2);
      const std::optional<AppendEntriesReply> alive = co_await service->answer(beat);
      EXPECT_TRUE(alive && alive->success);
      EXPECT_EQ(alive->matched, LogPosition{});
      EXPECT_EQ(alive->durable, LogPosition{});
      co_await sleep_for(20ms);
      EXPECT_TRUE(answered.replies.empty());
    }
    while (answered.replies.empty()) co_await sleep_for(1ms);
    EXPECT_EQ(answered.replies.front().matched, (LogPosition{1, 2}));
    const AppendEntries beat = heartbeat(2, 1, {1, 2}, 2);
    const std::optional<AppendEntriesReply> later = co_await service->answer(beat);
    EXPECT_EQ(later->matched, (LogPosition{1, 2}));
  });
}

// A6: entries that cannot be stored are not acknowledged, and the node ends.
TEST(NodeReplicationTest, EntriesThatCannotBeStoredAreNotAcknowledged) {
  for (const DiskFault fault : {kFirstWriteFails, kFirstSyncFails}) {
    Answered answered;
    with_node(kFrozen, [&](Lone& server, TaskGroup& group) -> Task<> {
      Service* service = co_await server.transport.service();
      const AppendEntries first = heartbeat(2, 1);
      co_await service->answer(first);
      const Planned planned(fault);
      group.spawn("append", append, std::ref(*service), append_request(2, 1, {}, {1}),
                  std::ref(answered));
      co_await server.ended.wait();
      EXPECT_NE(server.failure.find("Input/output error"), std::string::npos) << server.failure;
      co_await sleep_for(10ms);
    });
    EXPECT_TRUE(answered.replies.empty());
  }
}

// A10: entries that a follower never answers do not delay the heartbeats to it, nor are they sent
// again and again meanwhile. A third clock counts how many are due.
TEST(NodeReplicationTest, UnansweredEntriesDelayNoHeartbeat) {
  with_node(kPatient, [](Lone& server, TaskGroup&) -> Task<> {
    server.transport.hears = [](const AppendEntries& request) {
      return request.entries.empty() ? std::optional(request.term) : std::nullopt;
    };
    co_await hand_over(server, 2, 1);
    co_await server.transport.until([&] { return !server.transport.appends.empty(); });
    constexpr std::ptrdiff_t kDue = 30;
    for (int tick = 0; tick < kDue; ++tick) co_await sleep_for(kPatient.timing.heartbeat);
    for (const ServerId follower : {2U, 3U}) {
      const auto sent = [&](bool with_entries) {
        return std::ranges::count_if(server.transport.appends, [&](const AppendEntries& request) {
          return request.header.to == follower && request.entries.empty() != with_entries;
        });
      };
      EXPECT_GE(sent(false), kDue / 2);
      EXPECT_GE(sent(true), 1);
    }
    EXPECT_EQ(server.node->status().role, "leader");
    EXPECT_EQ(server.node->status().commit_index, 0U);
  });
}

// §5.3, B36: a leader sends entries while its own disk is still writing them, and commits by the
// disks of the others; its own is no condition for that.
TEST(NodeReplicationTest, FollowersDoNotWaitForTheLeadersDisk) {
  with_node(kPatient, [](Lone& server, TaskGroup& group) -> Task<> {
    co_await hand_over(server, 2, 1);
    co_await server.transport.until([&] { return !server.transport.appends.empty(); });
    while (server.node->status().commit_index < 1) co_await sleep_for(1ms);
    while (server.node->state().log().durable().index < 1) co_await sleep_for(1ms);
    {
      const Planned planned(kFirstSyncHangs);
      group.spawn(
          "propose",
          [](Node& node) -> Task<> { co_await node.propose(SharedBytes("no map command")); },
          std::ref(*server.node));
      co_await until_it_hangs();
      while (server.node->status().applied_index < 2) co_await sleep_for(1ms);
      EXPECT_EQ(server.node->state().log().durable(), (LogPosition{2, 1}));
    }
  });
}

// Is at work on the first command for as long as the test wants.
class HeldMachine final : public StateMachine {
 public:
  [[nodiscard]] Task<std::vector<SharedBytes>> apply(std::span<const Command> commands) override {
    began.set();
    co_await may_end.wait();
    is_done = true;
    co_return std::vector<SharedBytes>(commands.size());
  }

  coracle::Event began;
  coracle::Event may_end;
  bool is_done = false;
};

Task<> propose_one(Node& node) { co_await node.propose(SharedBytes("a command")); }

// R1: what is committed counts as applied when the state machine has done with it, and no read goes
// before that.
TEST(NodeReplicationTest, AReadWaitsForTheStateMachine) {
  run_with_directory([](std::string directory) -> Task<> {
    DiskStorage storage = co_await DiskStorage::open(directory + "/1", kCluster, 1);
    ScriptedTransport transport;
    HeldMachine machine;
    Node node(storage, Configuration({1}), transport, machine, kImpatient);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("node", &Node::run, &node);
      while (node.status().applied_index < 1) co_await sleep_for(1ms);  // its no-op
      group.spawn("propose", propose_one, std::ref(node));
      co_await machine.began.wait();
      const bool was_early = co_await within(20ms, node.read_barrier());
      EXPECT_FALSE(was_early);
      EXPECT_EQ(node.status().applied_index, 1U);
      machine.may_end.set();
      co_await node.read_barrier();
      EXPECT_TRUE(machine.is_done);
      group.cancel();
    });
  });
}

}  // namespace
}  // namespace coracle::raft
