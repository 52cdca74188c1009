// Pre-vote: P1 to P10, and B14, B17, B18.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// P1, B17
TEST(PreVote, ChangesNothingAtTheVoter) {
  Server server({.hard_state = {.term = 3, .vote = 2}, .log = {1}});
  const TimePoint deadline = server.state.election_deadline();
  const Epoch epoch = server.state.epoch();
  const ChangeNumber change = server.state.last_change();
  const auto granted = server.state.handle(pre_vote_request(3, 4, {1, 1}), at(100ms));
  EXPECT_TRUE(granted->message.granted);
  const auto refused = server.state.handle(pre_vote_request(3, 4, {0, 0}), at(101ms));
  EXPECT_FALSE(refused->message.granted);
  EXPECT_EQ(server.state.election_deadline(), deadline);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 3, .vote = 2}));
  EXPECT_EQ(server.state.last_change(), change);
  EXPECT_TRUE(server.state.still(epoch));
}

// P1: nor at the asker.
TEST(PreVote, ChangesNothingDurableAtTheAsker) {
  Server server({.hard_state = {.term = 3, .vote = 2}});
  server.time_out();
  EXPECT_TRUE(server.state.asks_for_pre_votes());
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 3, .vote = 2}));
  EXPECT_EQ(server.state.compose_pre_vote(2).message.term, 4U);
  EXPECT_TRUE(server.state.is_durable(server.state.last_change()));
}

// P2: the term asked for.
TEST(PreVote, IsRefusedForALowerTermAndSaysTheOwn) {
  Server server({.hard_state = {.term = 5}});
  const auto reply = server.state.handle(pre_vote_request(2, 4), at(1ms));
  EXPECT_FALSE(reply->message.granted);
  EXPECT_EQ(reply->message.refusal, Refusal::stale_term);
  EXPECT_EQ(reply->message.term, 5U) << "the asker adopts it";
}

// P2: equal → only if the vote is still to be had.
TEST(PreVote, ForTheOwnTermIsGrantedIfTheVoteIsFree) {
  const auto asked_by_3 = [](ServerId vote) {
    Server server({.hard_state = {.term = 5, .vote = vote}});
    return server.state.handle(pre_vote_request(3, 5), at(1ms))->message;
  };
  EXPECT_TRUE(asked_by_3(kNobody).granted);
  EXPECT_TRUE(asked_by_3(3).granted);
  EXPECT_FALSE(asked_by_3(2).granted);
  EXPECT_EQ(asked_by_3(2).refusal, Refusal::voted_for_another);
}

// P2, P3: higher → granted whatever the vote, and named in the reply.
TEST(PreVote, ForAHigherTermIsGrantedWithTheTermAskedFor) {
  Server server({.hard_state = {.term = 5, .vote = 2}});
  const auto reply = server.state.handle(pre_vote_request(3, 9), at(1ms));
  EXPECT_TRUE(reply->message.granted);
  EXPECT_EQ(reply->message.term, 9U);
}

// P2, V8, P4
TEST(PreVote, IsRefusedWhileALeaderIsHeardExceptToThatLeader) {
  Server server;
  (void)server.state.handle(heartbeat(2, 1), at(10ms));
  const auto other = server.state.handle(pre_vote_request(3, 2), at(160ms) - 1ns);
  EXPECT_EQ(other->message.refusal, Refusal::leader_alive);
  EXPECT_TRUE(server.state.handle(pre_vote_request(2, 2), at(11ms))->message.granted);
  EXPECT_TRUE(server.state.handle(pre_vote_request(3, 2), at(160ms))->message.granted);
}

// P2, V7: a leader that hears a majority refuses pre-votes, too.
TEST(PreVote, IsRefusedByALeaderWithAQuorum) {
  Server server;
  const TimePoint elected = become_leader(server);
  const auto reply = server.state.handle(pre_vote_request(3, 2, {1, 1}), elected + 149ms);
  EXPECT_EQ(reply->message.refusal, Refusal::leader_alive);
  const auto later = server.state.handle(pre_vote_request(3, 2, {1, 1}), elected + 150ms);
  EXPECT_TRUE(later->message.granted);
  EXPECT_EQ(server.state.role(), Role::leader) << "P1";
}

// P5: the answers have types of their own; a round of one kind counts only its own.
TEST(PreVote, GrantsDoNotCountAsVotes) {
  Server server;
  const TimePoint now = server.time_out();
  const auto second = server.state.compose_pre_vote(2);
  const auto third = server.state.compose_pre_vote(3);
  server.state.handle(second, grant(second), now);
  ASSERT_TRUE(server.state.pre_vote_won());
  server.state.begin_election(now);
  server.sync();
  server.state.handle(third, grant(third), now);
  EXPECT_FALSE(server.state.election_won());
  EXPECT_FALSE(server.state.pre_vote_won());
}

// P6, T4
TEST(PreVote, FollowsAFailedElection) {
  Server server;
  become_candidate(server);
  ASSERT_EQ(server.state.role(), Role::candidate);
  server.take_events();
  server.time_out();
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_TRUE(server.state.asks_for_pre_votes());
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 1, .vote = 1}));
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=stepped_down reason=round_failed",
                                      "event=began_pre_vote for_term=2"}));
}

// P7, V8, B26
TEST(PreVote, IsSkippedForATransfer) {
  Server server;
  (void)server.state.handle(heartbeat(2, 1), at(10ms));
  const TimeoutNow request{.header = from(2), .term = 1};
  const auto reply = server.state.handle(request, at(11ms));
  EXPECT_TRUE(reply->message.accepted);
  EXPECT_EQ(reply->message.term, 1U) << "the leader is deposed by votes, not by this reply";
  EXPECT_EQ(server.state.role(), Role::candidate);
  EXPECT_EQ(server.state.term(), 2U);
  EXPECT_TRUE(server.state.compose_request_vote(3).message.leadership_transfer);
  (void)server.state.handle(heartbeat(2, 1), at(12ms));  // crossed the request
  EXPECT_EQ(server.state.role(), Role::candidate) << "a heartbeat of the old term";
}

// V8: the flag is set only by a server that the leader of its term has asked.
TEST(PreVote, ATransferIsTheLeadersToAskFor) {
  Server server;
  (void)server.state.handle(heartbeat(2, 3), at(10ms));
  const auto stale = server.state.handle(TimeoutNow{.header = from(2), .term = 2}, at(11ms));
  EXPECT_EQ(stale->message.refusal, Refusal::stale_term);
  const auto stranger = server.state.handle(TimeoutNow{.header = from(3), .term = 3}, at(11ms));
  EXPECT_EQ(stranger->message.refusal, Refusal::not_leader);
  EXPECT_EQ(server.state.role(), Role::follower);

  Server learner({.id = 4, .voters = {1, 2, 3}, .learners = {4}});
  AppendEntries beat = heartbeat(2, 3);
  beat.header.to = 4;
  (void)learner.state.handle(beat, at(10ms));
  const auto reply = learner.state.handle(TimeoutNow{.header = from(2, 4), .term = 3}, at(11ms));
  EXPECT_EQ(reply->message.refusal, Refusal::not_voter);
}

// The flag lasts for its own election only.
TEST(PreVote, AFailedTransferIsFollowedByAnOrdinaryRound) {
  Server server({.options = Options::plain()});
  (void)server.state.handle(heartbeat(2, 1), at(10ms));
  (void)server.state.handle(TimeoutNow{.header = from(2), .term = 1}, at(11ms));
  server.sync();
  server.time_out();
  EXPECT_FALSE(server.state.compose_request_vote(3).message.leadership_transfer);
}

// P8, C7
TEST(PreVote, DrawsANewTimeoutForEachRound) {
  Server server;
  std::vector<Duration> waits;
  TimePoint now = server.time_out();
  for (int round = 0; round < 20; ++round) {
    waits.push_back(server.state.election_deadline() - now);
    EXPECT_GE(waits.back(), 150ms);
    EXPECT_LE(waits.back(), 300ms);
    now = server.time_out();
  }
  EXPECT_NE(std::ranges::min(waits), std::ranges::max(waits));
}

// P10: it may still grant a vote, and then its own round is over.
TEST(PreVote, WhoAsksMayStillVote) {
  Server server;
  const TimePoint now = server.time_out();
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.role_name(), "pre-candidate");
  const auto asked = server.state.compose_pre_vote(2);
  EXPECT_TRUE(server.state.handle(vote_request(3, 1), now + 1ms)->message.granted);
  EXPECT_FALSE(server.state.asks_for_pre_votes());
  EXPECT_EQ(server.state.role_name(), "follower");
  server.state.handle(asked, grant(asked), now + 2ms);
  EXPECT_FALSE(server.state.pre_vote_won()) << "it would compete with its own candidate";
}

// P10: also in the term that it is in already, as after a failed election of others.
TEST(PreVote, AVoteInTheOwnTermEndsTheRoundToo) {
  Server server({.hard_state = {.term = 4}});
  const TimePoint now = server.time_out();
  const Epoch epoch = server.state.epoch();
  EXPECT_TRUE(server.state.handle(vote_request(3, 4), now)->message.granted);
  EXPECT_FALSE(server.state.still(epoch));
  EXPECT_FALSE(server.state.asks_for_pre_votes());
}

// P10, K1: a heartbeat ends the round.
TEST(PreVote, ALeaderThatIsHeardEndsTheRound) {
  Server server({.hard_state = {.term = 4}});
  const TimePoint now = server.time_out();
  const auto asked = server.state.compose_pre_vote(3);
  (void)server.state.handle(heartbeat(2, 4), now + 1ms);
  EXPECT_FALSE(server.state.asks_for_pre_votes());
  server.state.handle(asked, grant(asked), now + 2ms);
  EXPECT_FALSE(server.state.pre_vote_won());
  EXPECT_GE(server.state.election_deadline(), now + 151ms);
}

// P10: its deadline runs on while it answers others.
TEST(PreVote, TheDeadlineRunsOnDuringARound) {
  Server server({.hard_state = {.term = 2}});
  server.time_out();
  const TimePoint deadline = server.state.election_deadline();
  (void)server.state.handle(pre_vote_request(3, 3), deadline - 1ms);
  (void)server.state.handle(vote_request(3, 1), deadline - 1ms);
  EXPECT_EQ(server.state.election_deadline(), deadline);
}

// A round that was refused waits; only a won one allows an election.
TEST(PreVote, AnElectionNeedsAWonRound) {
  Server server;
  const TimePoint now = server.time_out();
  for (const ServerId voter : {2U, 3U}) {
    const auto asked = server.state.compose_pre_vote(voter);
    server.state.handle(asked, refuse(asked, 0), now);
  }
  EXPECT_FALSE(server.state.pre_vote_won());
  EXPECT_DEATH(server.state.begin_election(now), "a majority would vote for us");
}

// P3: a grant for another term than the one asked for means nothing.
TEST(PreVote, AGrantNamesTheTermAskedFor) {
  Server server;
  const TimePoint now = server.time_out();
  const auto asked = server.state.compose_pre_vote(2);
  PreVoteReply other = grant(asked);
  other.term = 7;
  server.state.handle(asked, other, now);
  EXPECT_FALSE(server.state.pre_vote_won());
  EXPECT_EQ(server.state.term(), 0U) << "and a grant raises no term (T1)";
}

// B18: a hopeless log does not get as far as raising the term.
TEST(PreVote, AServerThatIsBehindIsToldSo) {
  Server server({.hard_state = {.term = 2}, .log = {1, 2}});
  for (Term term = 3; term < 10; ++term) {
    const auto reply = server.state.handle(pre_vote_request(3, term, {1, 1}), at(1ms));
    EXPECT_EQ(reply->message.refusal, Refusal::log_behind);
  }
  EXPECT_EQ(server.state.term(), 2U);
}

}  // namespace
}  // namespace coracle::raft
