// What a node does not say before its disk holds it, and what it does not wait for. Its peers are
// the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/condition.h"
#include "runtime/post.h"
#include "tests/raft/lone_node.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// ---- Durable before spoken ----

// V11: whose own vote cannot be stored asks nobody for theirs.
TEST(NodeGatingTest, AVoteThatCannotBeStoredAsksForNone) {
  for (const DiskFault fault : {kFirstWriteFails, kFirstSyncFails}) {
    with_node(kImpatient, [&](Lone& server, TaskGroup&) -> Task<> {
      const Planned planned(fault);
      co_await server.ended.wait();
      EXPECT_NE(server.failure.find("hard_state: Input/output error"), std::string::npos)
          << server.failure;
      EXPECT_TRUE(server.was(EventKind::became_candidate));
      EXPECT_FALSE(server.transport.pre_votes.empty());
      EXPECT_TRUE(server.transport.votes.empty());
      EXPECT_TRUE(server.transport.appends.empty());
    });
  }
}

// V11: while its own vote is on the way to the disk, however long, it asks nobody; then it does.
TEST(NodeGatingTest, AsksForVotesOnceItsOwnIsStored) {
  with_node(kImpatient, [](Lone& server, TaskGroup&) -> Task<> {
    {
      const Planned planned(kFirstSyncHangs);
      co_await until_it_hangs();
      co_await sleep_for(3 * kImpatient.timing.timeout_max);
      EXPECT_TRUE(server.was(EventKind::became_candidate));
      EXPECT_TRUE(server.transport.votes.empty());
      EXPECT_FALSE(server.was(EventKind::became_leader));
    }
    co_await server.transport.until([&] { return !server.transport.votes.empty(); });
    const HardState found = co_await server.on_disk();
    EXPECT_GE(found.term, server.transport.votes.front().term);
    EXPECT_EQ(found.vote, 1U);
  });
}

struct Asked {
  std::vector<RequestVoteReply> replies;
};

Task<> ask_for_vote(Service& service, RequestVote request, Asked& asked) {
  const std::optional<RequestVoteReply> reply = co_await service.answer(request);
  if (reply) asked.replies.push_back(*reply);
}

// V2: a vote that cannot be stored is not given.
TEST(NodeGatingTest, AVoteThatCannotBeStoredIsNotGiven) {
  for (const DiskFault fault : {kFirstWriteFails, kFirstSyncFails}) {
    Asked asked;
    with_node(kFrozen, [&](Lone& server, TaskGroup& group) -> Task<> {
      Service* service = co_await server.transport.service();
      const Planned planned(fault);
      group.spawn("request", ask_for_vote, std::ref(*service), vote_request(2, 1), std::ref(asked));
      co_await server.ended.wait();
      EXPECT_FALSE(server.failure.empty());
      EXPECT_TRUE(server.was(EventKind::granted_vote)) << "decided, but not told";
      co_await sleep_for(10ms);
      EXPECT_TRUE(asked.replies.empty());
    });
    EXPECT_TRUE(asked.replies.empty());
  }
}

// V2, V3: no reply while the vote is on its way to the disk, neither to the question nor to its
// repetition, and not to the one who is refused because of it; then all three.
TEST(NodeGatingTest, AnswersOnceItsVoteIsStored) {
  Asked asked;
  with_node(kFrozen, [&](Lone& server, TaskGroup& group) -> Task<> {
    Service* service = co_await server.transport.service();
    {
      const Planned planned(kFirstSyncHangs);
      for (const ServerId candidate : {2U, 2U, 3U}) {
        group.spawn("request", ask_for_vote, std::ref(*service), vote_request(candidate, 1),
                    std::ref(asked));
      }
      co_await until_it_hangs();
      co_await sleep_for(50ms);
      EXPECT_TRUE(asked.replies.empty());
    }
    while (asked.replies.size() < 3) co_await sleep_for(1ms);
    for (const RequestVoteReply& reply : asked.replies) {
      EXPECT_EQ(reply.granted, reply.header.to == 2) << reply.header.to;
      EXPECT_EQ(reply.term, 1U);
    }
    const HardState found = co_await server.on_disk();
    EXPECT_EQ(found, (HardState{.term = 1, .vote = 2}));
  });
}

// ---- Its own absence is not the silence of others ----

// Heartbeats of leader 2 that have arrived, and how many of them the node has heard.
struct Arrivals {
  std::size_t arrived = 0;
  std::size_t heard = 0;
  Condition changed = {};
};

Task<> listen(Service& service, Arrivals& arrivals) {
  for (;;) {
    while (arrivals.heard == arrivals.arrived) co_await arrivals.changed.wait();
    const AppendEntries beat = heartbeat(2, 1);
    co_await service.answer(beat);
    ++arrivals.heard;
  }
}

constexpr Duration kPause = 20ms;

// Keeps the thread of the loop for so long; heartbeats arrive meanwhile, from another thread.
//   Returns    how many.
std::size_t stall(Duration span, Arrivals& arrivals) {
  const auto beats = static_cast<std::size_t>(span / kPause);
  std::thread leader([&arrivals, beats, loop = current_loop_ref()] {
    for (std::size_t beat = 0; beat < beats; ++beat) {
      std::this_thread::sleep_for(kPause);
      loop.post([&arrivals] {
        ++arrivals.arrived;
        arrivals.changed.notify_all();
      });
    }
  });
  leader.join();
  return beats;
}

// C3: a loop that stands still for three times the longest timeout, while the leader's heartbeats
// go on and wait to be read, finds a deadline that has long passed, and does not believe it.
TEST(NodeGatingTest, AStalledFollowerHearsWhatHasArrivedFirst) {
  const Options options = paced(20ms, 200ms, 250ms);
  Arrivals arrivals;
  with_node(options, [&](Lone& server, TaskGroup& group) -> Task<> {
    Service* service = co_await server.transport.service();
    group.spawn("listen", listen, std::ref(*service), std::ref(arrivals));
    ++arrivals.arrived;
    arrivals.changed.notify_all();
    std::size_t sent = 1;
    for (int round = 1; round <= 3; ++round) {
      while (arrivals.heard < sent) co_await sleep_for(1ms);
      EXPECT_EQ(server.node->status().leader, 2U);
      sent += stall(3 * options.timing.timeout_max, arrivals);
    }
    while (arrivals.heard < sent) co_await sleep_for(1ms);
    EXPECT_FALSE(server.was(EventKind::began_pre_vote));
    EXPECT_FALSE(server.was(EventKind::stepped_down));
    EXPECT_EQ(server.node->status().leader, 2U);
  });
}

// ---- Asked again, and at once ----

// K8: the first question to each is lost. It is asked again in the same round, and the term wins.
TEST(NodeGatingTest, ALostQuestionIsAskedAgainInItsRound) {
  with_node(kPatient, [](Lone& server, TaskGroup&) -> Task<> {
    std::set<ServerId> asked;
    server.transport.grants_vote = [&](const RequestVote& request) {
      return !asked.insert(request.header.to).second;
    };
    co_await hand_over(server, 2, 1);
    co_await server.transport.until([&] { return !server.transport.appends.empty(); });
    EXPECT_EQ(server.transport.appends.front().term, 2U);
    EXPECT_EQ(asked, (std::set<ServerId>{2, 3}));
    EXPECT_GE(server.transport.votes.size(), 3U);
    for (const RequestVote& request : server.transport.votes) EXPECT_EQ(request.term, 2U);
    server.transport.grants_vote = [](const RequestVote&) { return true; };
  });
}

// L1: who has won tells all at once, and sends them the first entry of its term. The next heartbeat
// would come in an hour.
TEST(NodeGatingTest, ANewLeaderTellsAllAtOnce) {
  with_node(kFrozen, [](Lone& server, TaskGroup&) -> Task<> {
    server.transport.hears = [](const AppendEntries&) { return std::nullopt; };
    co_await hand_over(server, 2, 1);
    std::map<ServerId, std::size_t> heartbeats;
    std::map<ServerId, std::vector<Entry>> entries;
    co_await server.transport.until([&] {
      heartbeats.clear();
      entries.clear();
      for (const AppendEntries& request : server.transport.appends) {
        EXPECT_EQ(request.term, 2U);
        if (request.entries.empty()) ++heartbeats[request.header.to];
        if (!request.entries.empty()) entries[request.header.to] = request.entries;
      }
      return heartbeats.size() == 2 && entries.size() == 2;
    });
    for (const ServerId follower : {2U, 3U}) {
      EXPECT_EQ(heartbeats[follower], 1U);
      EXPECT_EQ(entries[follower].size(), 1U);
      EXPECT_EQ(entries[follower].front().term, 2U);
      EXPECT_EQ(entries[follower].front().kind, EntryKind::no_op);
    }
  });
}

// A10: one follower is silent, and each heartbeat to it is unanswered for hours. The other hears
// as many as if it were not, and so does the silent one. A third clock counts how many are due.
TEST(NodeGatingTest, ASilentFollowerDelaysNoHeartbeat) {
  with_node(kPatient, [](Lone& server, TaskGroup&) -> Task<> {
    server.transport.hears = [](const AppendEntries& request) {
      return request.header.to == 3 ? std::nullopt : std::optional(request.term);
    };
    co_await hand_over(server, 2, 1);
    co_await server.transport.until([&] { return !server.transport.appends.empty(); });
    constexpr std::ptrdiff_t kDue = 30;
    for (int tick = 0; tick < kDue; ++tick) co_await sleep_for(kPatient.timing.heartbeat);
    const auto told = [&](ServerId follower) {
      return std::ranges::count(server.transport.appends, follower,
                                [](const AppendEntries& request) { return request.header.to; });
    };
    EXPECT_GE(told(2), kDue / 2);
    EXPECT_GE(told(3), kDue / 2);
    EXPECT_LE(std::abs(told(2) - told(3)), 2);
    EXPECT_EQ(server.node->status().role, "leader");
  });
}

// L4: a reply of a later term deposes the leader, and nothing of its term leaves after that. It is
// free for another election, too.
TEST(NodeGatingTest, ADeposedLeaderSendsNothingMore) {
  with_node(kPatient, [](Lone& server, TaskGroup&) -> Task<> {
    server.transport.hears = [&](const AppendEntries& request) {
      const bool deposes = request.term == 2 && server.transport.appends.size() >= 7;
      return std::optional<Term>(deposes ? 9 : request.term);
    };
    co_await hand_over(server, 2, 1);
    co_await server.transport.until([&] { return server.transport.appends.size() >= 7; });
    while (!server.was(EventKind::stepped_down)) co_await sleep_for(1ms);
    EXPECT_EQ(server.node->status().term, 9U);
    EXPECT_EQ(server.node->status().role, "follower");
    const std::size_t sent = server.transport.appends.size();
    co_await sleep_for(10 * kPatient.timing.heartbeat);
    EXPECT_EQ(server.transport.appends.size(), sent);

    co_await hand_over(server, 3, 9);
    co_await server.transport.until([&] { return server.transport.appends.size() >= sent + 4; });
    for (std::size_t i = 0; i < server.transport.appends.size(); ++i) {
      EXPECT_EQ(server.transport.appends[i].term, i < sent ? 2U : 10U);
    }
  });
}

}  // namespace
}  // namespace coracle::raft
