// Terms: T1 to T5.
#include <gtest/gtest.h>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

const Options kPlain = Options::plain();

// T1
TEST(Terms, AHigherTermInARequestForVotesIsAdoptedBeforeAnythingElse) {
  Server server({.options = kPlain, .hard_state = {.term = 3, .vote = 2}});
  const auto reply = server.state.handle(vote_request(3, 5), at(1ms));
  EXPECT_EQ(server.state.term(), 5U);
  EXPECT_EQ(reply->message.term, 5U);
  EXPECT_TRUE(reply->message.granted);
  EXPECT_EQ(server.state.vote(), 3U) << "the vote of term 3 does not bind in term 5";
}

// T1
TEST(Terms, AHigherTermInAppendEntriesIsAdopted) {
  Server server({.hard_state = {.term = 3, .vote = 2}});
  const auto reply = server.state.handle(heartbeat(2, 9), at(1ms));
  EXPECT_EQ(server.state.term(), 9U);
  EXPECT_EQ(server.state.vote(), kNobody);
  EXPECT_EQ(reply->message.term, 9U);
  EXPECT_EQ(reply->after, server.state.last_change()) << "nobody hears of it before it is durable";
  EXPECT_FALSE(server.state.is_durable(reply->after));
}

// T1
TEST(Terms, AHigherTermInAnyReplyMakesAFollowerOfIt) {
  Server asks;
  asks.time_out();
  const auto pre_vote = asks.state.compose_pre_vote(2);
  asks.state.handle(pre_vote, refuse(pre_vote, 6, Refusal::stale_term), at(1s));
  EXPECT_EQ(asks.state.term(), 6U);
  EXPECT_FALSE(asks.state.asks_for_pre_votes());

  Server candidate;
  become_candidate(candidate);
  const auto vote = candidate.state.compose_request_vote(2);
  candidate.state.handle(vote, refuse(vote, 6, Refusal::stale_term), at(1s));
  EXPECT_EQ(candidate.state.term(), 6U);
  EXPECT_EQ(candidate.state.role(), Role::follower);
  EXPECT_EQ(candidate.state.vote(), kNobody);

  Server leader;
  const TimePoint elected = become_leader(leader);
  const auto asked = leader.state.compose_heartbeat(2);
  AppendEntriesReply later = acknowledge(asked);
  later.success = false;
  later.term = 6;
  leader.state.handle(asked, later, elected + 1ms);
  EXPECT_EQ(leader.state.term(), 6U);
  EXPECT_EQ(leader.state.role(), Role::follower) << "how a stuck server gets back in";
  EXPECT_EQ(leader.state.leader(), kNobody);
  EXPECT_EQ(leader.take_events(), (std::vector<std::string>{"event=stepped_down reason=higher_term",
                                                            "event=adopted_term from=2"}));
}

// T1
TEST(Terms, ALaterTermInAReplyOfAnEarlierRoundIsStillALaterTerm) {
  Server server({.options = kPlain});
  become_candidate(server);
  const auto asked = server.state.compose_request_vote(2);
  server.time_out();  // the next round, in term 2
  server.state.handle(asked, refuse(asked, 6), at(2s));
  EXPECT_EQ(server.state.term(), 6U);
}

// T1: three of the four that do not; the fourth is in request_vote_test.cc.
TEST(Terms, PreVotesAndStrangersRaiseNoTerm) {
  Server server({.hard_state = {.term = 3, .vote = 2}});
  (void)server.state.handle(pre_vote_request(3, 8), at(1ms));
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 3, .vote = 2}));

  RequestVote stranger = vote_request(3, 8);
  stranger.header.cluster = kCluster + 1;
  EXPECT_FALSE(server.state.handle(stranger, at(1ms)));
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 3, .vote = 2}));

  server.time_out();
  const auto asked = server.state.compose_pre_vote(2);
  server.state.handle(asked, grant(asked), at(1s));
  EXPECT_EQ(server.state.term(), 3U) << "a granted pre-vote names the term asked for";
}

// T2, §1.1
TEST(Terms, RequestsOfALowerTermAreToldTheOwnTermAndChangeNothing) {
  Server server({.hard_state = {.term = 3, .vote = 2}});
  const TimePoint deadline = server.state.election_deadline();
  const Epoch epoch = server.state.epoch();
  const auto vote = server.state.handle(vote_request(2, 2), at(1ms));
  EXPECT_FALSE(vote->message.granted) << "though it is the server it voted for";
  EXPECT_EQ(vote->message.term, 3U);
  EXPECT_EQ(vote->message.refusal, Refusal::stale_term);
  const auto append = server.state.handle(heartbeat(3, 2), at(1ms));
  EXPECT_FALSE(append->message.success);
  EXPECT_EQ(append->message.term, 3U);
  const auto pre_vote = server.state.handle(pre_vote_request(3, 2), at(1ms));
  EXPECT_FALSE(pre_vote->message.granted);
  EXPECT_EQ(pre_vote->message.term, 3U);

  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 3, .vote = 2}));
  EXPECT_EQ(server.state.election_deadline(), deadline);
  EXPECT_EQ(server.state.leader(), kNobody);
  EXPECT_TRUE(server.state.still(epoch));
}

// T3
TEST(Terms, AReplyOfALowerTermIsDropped) {
  Server server({.options = kPlain, .hard_state = {.term = 3}});
  become_candidate(server);  // of term 4
  const auto asked = server.state.compose_request_vote(2);
  RequestVoteReply late = grant(asked);
  late.term = 3;
  server.state.handle(asked, late, at(1s));
  EXPECT_FALSE(server.state.election_won());
  EXPECT_EQ(server.state.term(), 4U);

  Server leader({.hard_state = {.term = 3}});
  const TimePoint elected = become_leader(leader);
  const auto beat = leader.state.compose_heartbeat(2);
  AppendEntriesReply old = acknowledge(beat);
  old.term = 3;
  leader.state.handle(beat, old, elected + 100ms);
  EXPECT_EQ(leader.state.leader_deadline(), elected + 300ms) << "an old answer is no sign of life";
}

// T3
TEST(Terms, ARefusedPreVoteOfALowerTermCountsAsARefusalOnly) {
  Server server({.hard_state = {.term = 3}});
  server.time_out();
  const Epoch epoch = server.state.epoch();
  const auto asked = server.state.compose_pre_vote(2);
  server.state.handle(asked, refuse(asked, 1), at(1s));
  EXPECT_TRUE(server.state.still(epoch));
  EXPECT_EQ(server.state.term(), 3U);
  EXPECT_TRUE(server.state.asks_for_pre_votes());
  EXPECT_FALSE(server.state.pre_vote_won());
}

// T4, B03
TEST(Terms, ACandidateThatYieldsToTheLeaderOfItsTermKeepsItsVote) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  (void)server.state.handle(heartbeat(2, 1), now + 1ms);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.vote(), 1U);
  const auto late = server.state.handle(vote_request(3, 1), now + 2ms);
  EXPECT_FALSE(late->message.granted);
  EXPECT_EQ(late->message.refusal, Refusal::voted_for_another);
}

// T4, L5
TEST(Terms, ALeaderThatStepsDownWithinItsTermKeepsItsVoteAndDrawsADeadline) {
  Server server;
  const TimePoint elected = become_leader(server);
  EXPECT_EQ(server.state.election_deadline(), kNever);
  server.state.check_leadership(elected + 300ms);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 1, .vote = 1}));
  EXPECT_GE(server.state.election_deadline(), elected + 450ms);
  EXPECT_LE(server.state.election_deadline(), elected + 600ms);
}

// T5, §1.5
TEST(Terms, RepliesOfAnotherRoundAreNotCounted) {
  Server server({.options = kPlain});
  become_candidate(server);
  const auto first = server.state.compose_request_vote(2);
  server.time_out();
  server.sync();
  RequestVoteReply late = grant(first);
  server.state.handle(first, late, at(2s));
  late.term = 2;  // and not even if it pretended to be of the new term
  server.state.handle(first, late, at(2s));
  EXPECT_FALSE(server.state.election_won());
}

// T5
TEST(Terms, GrantsOfAFormerPreVoteRoundAreNotCounted) {
  Server server;
  server.time_out();
  const auto first = server.state.compose_pre_vote(2);
  server.time_out();  // asks for the same term again
  server.state.handle(first, grant(first), at(2s));
  EXPECT_FALSE(server.state.pre_vote_won());
}

// T5, N1: each field that a reply must echo.
TEST(Terms, AReplyMustAnswerThisQuestionOfThisLife) {
  const auto counts = [](const auto& change) {
    Server server({.options = kPlain});
    become_candidate(server);
    const auto asked = server.state.compose_request_vote(2);
    RequestVoteReply reply = grant(asked);
    change(reply.header);
    server.state.handle(asked, reply, at(1s));
    return server.state.election_won();
  };
  EXPECT_TRUE(counts([](ReplyHeader&) {}));
  EXPECT_FALSE(counts([](ReplyHeader& header) { header.cluster = 1; }));
  EXPECT_FALSE(counts([](ReplyHeader& header) { header.from = 3; }));
  EXPECT_FALSE(counts([](ReplyHeader& header) { header.to = 3; }));
  EXPECT_FALSE(counts([](ReplyHeader& header) { ++header.request; }));
  EXPECT_FALSE(counts([](ReplyHeader& header) { ++header.asker.start; }));
  EXPECT_FALSE(counts([](ReplyHeader& header) { ++header.asker.directory; }));
}

// T5
TEST(Terms, TheEpochChangesWithRoleTermAndPreVoteRound) {
  Server server;
  Epoch epoch = server.state.epoch();
  const auto since = [&] {
    const Epoch before = epoch;
    epoch = server.state.epoch();
    return before != epoch;
  };
  server.time_out();
  EXPECT_TRUE(since()) << "a pre-vote round";
  server.time_out();
  EXPECT_TRUE(since()) << "another";
  const auto asked = server.state.compose_pre_vote(2);
  server.state.handle(asked, grant(asked), at(1s));
  EXPECT_FALSE(since()) << "an answer";
  server.state.begin_election(at(1s));
  EXPECT_TRUE(since()) << "candidate";
  server.sync();
  const auto vote = server.state.compose_request_vote(2);
  server.state.handle(vote, grant(vote), at(1s));
  EXPECT_FALSE(since());
  server.state.become_leader(at(1s), kWallTime);
  EXPECT_TRUE(since()) << "leader";
  (void)server.state.handle(heartbeat(2, 5), at(1s));
  EXPECT_TRUE(since()) << "a later term";
  (void)server.state.handle(heartbeat(2, 5), at(1s));
  EXPECT_FALSE(since()) << "a heartbeat";
  (void)server.state.handle(heartbeat(2, 6), at(1s));
  EXPECT_TRUE(since()) << "a later term of a follower";
}

}  // namespace
}  // namespace coracle::raft
