// Identity and introductions: N1, N2, N4, C6, D8.
#include <gtest/gtest.h>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// N1: whatever kind of message it is.
TEST(Identity, WhatIsNotMeantForThisServerChangesNothing) {
  struct Case {
    RequestHeader header;
    IdentityFault fault;
    std::string event;
  };
  std::vector<Case> cases(5, {from(2), IdentityFault::none, ""});
  cases[0].header.cluster = 1;
  cases[0].fault = IdentityFault::wrong_cluster;
  cases[0].event = "event=ignored_message sender=2 reason=wrong_cluster";
  cases[1].header.to = 3;
  cases[1].fault = IdentityFault::wrong_addressee;
  cases[1].event = "event=ignored_message sender=2 reason=wrong_addressee";
  cases[2].header.from = 1;
  cases[2].fault = IdentityFault::own_id;
  cases[2].event = "event=ignored_message sender=1 reason=own_id";
  cases[3].header.from = kNobody;
  cases[3].fault = IdentityFault::own_id;
  cases[3].event = "event=ignored_message sender=0 reason=own_id";
  cases[4].header.incarnation.start = 0;
  cases[4].fault = IdentityFault::earlier_incarnation;
  cases[4].event = "event=ignored_message sender=2 reason=earlier_incarnation";
  for (const Case& c : cases) {
    Server server;
    (void)server.state.handle(pre_vote_request(2, 1), at(1ms));  // so server 2 is known
    server.take_events();
    const TimePoint deadline = server.state.election_deadline();
    EXPECT_EQ(server.state.fault_of(c.header), c.fault);
    EXPECT_FALSE(server.state.handle(RequestVote{.header = c.header, .term = 9}, at(1ms)));
    EXPECT_FALSE(server.state.handle(PreVote{.header = c.header, .term = 9}, at(1ms)));
    EXPECT_FALSE(server.state.handle(TimeoutNow{.header = c.header, .term = 9}, at(1ms)));
    EXPECT_FALSE(server.state.handle(Hello{.header = c.header, .timing = {}}));
    AppendEntries append;
    append.header = c.header;
    append.term = 9;
    EXPECT_FALSE(server.state.handle(append, at(1ms)));
    EXPECT_EQ(server.state.term(), 0U);
    EXPECT_EQ(server.state.election_deadline(), deadline);
    EXPECT_EQ(server.take_events(), std::vector<std::string>{c.event}) << "told once";
  }
}

// Each kind of each member is told once per life of its sender, and all strangers together count as
// one, whoever they say they are.
TEST(Identity, FaultySendersThatTakeTurnsAreToldOfOnce) {
  Server server;
  (void)server.state.handle(pre_vote_request(2, 1), at(1ms));
  (void)server.state.handle(pre_vote_request(3, 1), at(1ms));
  server.take_events();
  std::size_t told = 0;
  const auto send = [&](ServerId sender, bool other_cluster) {
    Hello hello{.header = from(sender), .timing = {}};
    if (other_cluster) hello.header.cluster = 1;
    if (!other_cluster) hello.header.to = 3;
    EXPECT_FALSE(server.state.handle(hello));
    told += server.take_events().size();
  };
  for (ServerId round = 0; round < 100; ++round) {
    for (const ServerId sender : {ServerId{2}, ServerId{3}, 1000 + round, 2000 + round}) {
      send(sender, true);
      send(sender, false);
    }
  }
  EXPECT_EQ(told, 6U) << "two kinds of two members and of the strangers";

  PreVote reborn = pre_vote_request(2, 1);
  reborn.header.incarnation = life(2, 7);
  (void)server.state.handle(reborn, at(2ms));
  server.take_events();
  send(2, true);
  EXPECT_EQ(told, 7U) << "another life is told of anew";
}

// N1
TEST(Identity, AReplyNamesBothLivesAndTheQuestion) {
  Server server({.start = 4});
  RequestVote request = vote_request(2, 1);
  request.header.request = 99;
  request.header.incarnation = life(2, 8);
  const ReplyHeader header = server.state.handle(request, at(1ms))->message.header;
  EXPECT_EQ(header, (ReplyHeader{.cluster = kCluster,
                                 .from = 1,
                                 .to = 2,
                                 .incarnation = life(1, 4),
                                 .request = 99,
                                 .asker = life(2, 8)}));
}

// N1
TEST(Identity, RequestsOfOneLifeHaveDifferentNumbers) {
  Server server;
  server.time_out();
  const auto first = server.state.compose_pre_vote(2);
  const auto second = server.state.compose_pre_vote(3);
  EXPECT_NE(first.message.header.request, second.message.header.request);
}

// N2: what an earlier life of a peer had sent, or answered.
TEST(Identity, AnEarlierLifeIsNotHeardAnyMore) {
  Server server({.options = Options::plain()});
  const TimePoint now = become_candidate(server);
  const auto asked = server.state.compose_request_vote(2);
  PreVote newer = pre_vote_request(2, 1);
  newer.header.incarnation = life(2, 3);
  EXPECT_TRUE(server.state.handle(newer, now));
  RequestVoteReply old = grant(asked);
  old.header.incarnation = life(2, 2);
  server.state.handle(asked, old, now);
  EXPECT_FALSE(server.state.election_won());
  old.header.incarnation = life(2, 3);
  server.state.handle(asked, old, now);
  EXPECT_TRUE(server.state.election_won());
}

// D8
TEST(Identity, AServerThatLostItsDirectoryIsRefusedUnderItsOldId) {
  Server server({.options = Options::plain()});
  EXPECT_TRUE(server.state.handle(vote_request(2, 1), at(1ms))) << "server 2 has voted for itself";
  RequestVote lost = vote_request(2, 2);
  lost.header.incarnation = {.directory = 5555, .start = 9};
  EXPECT_EQ(server.state.fault_of(lost.header), IdentityFault::lost_directory);
  EXPECT_FALSE(server.state.handle(lost, at(2ms)));
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.take_events().back(), "event=ignored_message sender=2 reason=lost_directory");
}

// D8: also where it answers: it may vote a second time.
TEST(Identity, TheVoteOfAServerThatLostItsDirectoryDoesNotCount) {
  Server server({.options = Options::plain()});
  (void)server.state.handle(heartbeat(2, 1), at(1ms));
  const TimePoint now = become_candidate(server);
  const auto asked = server.state.compose_request_vote(2);
  RequestVoteReply reply = grant(asked);
  reply.header.incarnation = {.directory = 5555, .start = 1};
  server.state.handle(asked, reply, now);
  EXPECT_FALSE(server.state.election_won());
}

// D8: a directory that had promised nothing may be replaced.
TEST(Identity, AFreshServerMayStartAgainWithAnotherDirectory) {
  Server server;
  EXPECT_TRUE(server.state.handle(Hello{.header = from(2), .timing = {}}));
  Hello again{.header = from(2), .timing = {}};
  again.header.incarnation = {.directory = 5555, .start = 1};
  EXPECT_TRUE(server.state.handle(again));
  again.header.incarnation = life(2);
  EXPECT_TRUE(server.state.handle(again)) << "neither had promised anything";
}

// C6
TEST(Identity, ADifferenceInTimesIsReportedOncePerLife) {
  Server server;
  server.take_events();
  Hello hello{.header = from(2), .timing = {}};
  const auto reply = server.state.handle(hello);
  EXPECT_EQ(reply->timing, Timing());
  EXPECT_TRUE(server.take_events().empty());
  hello.timing.heartbeat = 40ms;
  (void)server.state.handle(hello);
  (void)server.state.handle(hello);
  const std::vector<std::string> once{"event=found_other_timing peer=2"};
  EXPECT_EQ(server.take_events(), once);
  hello.header.incarnation = life(2, 2);
  (void)server.state.handle(hello);
  EXPECT_EQ(server.take_events(), once);

  const Hello asked = server.state.compose_hello(3);
  EXPECT_EQ(asked.timing, Timing());
  Timing other;
  other.timeout_max = 400ms;
  server.state.handle(asked, {.header = answer(asked.header), .timing = other});
  EXPECT_EQ(server.take_events(), (std::vector<std::string>{"event=found_other_timing peer=3"}));
}

}  // namespace
}  // namespace coracle::raft
