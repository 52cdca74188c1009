// Candidates: K1 to K8, and B25.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

const Options kPlain = Options::plain();

// K1, B25, §1.3
TEST(Candidate, YieldsToTheLeaderOfItsTermEvenIfTheLogsDisagree) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1, 1}});
  const TimePoint now = become_candidate(server);
  server.take_events();
  const auto reply = server.state.handle(heartbeat(2, 2, {2, 5}), now + 1ms);
  EXPECT_FALSE(reply->message.success);
  EXPECT_EQ(reply->message.refusal, Refusal::log_mismatch);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.leader(), 2U);
  EXPECT_GE(server.state.election_deadline(), now + 151ms) << "V4: a valid AppendEntries";
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{
                "event=stepped_down reason=leader_exists", "event=heard_leader leader=2",
                "event=refused_append sender=2 sender_term=2 reason=log_mismatch"}));
}

// K5, V11: while its own vote is being written, a candidate has asked nobody. A disk that is slower
// than the timeout must not add a term for each timeout, each waiting behind the one before.
TEST(Candidate, BeginsNoTermBeforeItsOwnVoteIsDurable) {
  Server server({.voters = {1}, .options = kPlain});
  server.time_out();
  const TimePoint first = server.state.election_deadline();
  server.time_out();
  server.time_out();
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.state.role(), Role::candidate);
  EXPECT_GT(server.state.election_deadline(), first);
  EXPECT_FALSE(server.state.election_won());
  server.sync();
  EXPECT_TRUE(server.state.election_won());
}

// K2, §1.3
TEST(Candidate, RejectsALeaderOfALowerTermAndStays) {
  Server server({.options = kPlain, .hard_state = {.term = 3}});
  const TimePoint now = become_candidate(server);
  const TimePoint deadline = server.state.election_deadline();
  const auto reply = server.state.handle(heartbeat(2, 3), now + 1ms);
  EXPECT_FALSE(reply->message.success);
  EXPECT_EQ(reply->message.term, 4U);
  EXPECT_EQ(server.state.role(), Role::candidate);
  EXPECT_EQ(server.state.leader(), kNobody);
  EXPECT_EQ(server.state.election_deadline(), deadline);
}

// K3
TEST(Candidate, AdoptsAHigherTermOfALeader) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  EXPECT_TRUE(server.state.handle(heartbeat(2, 8), now + 1ms)->message.success);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 8, .vote = kNobody}));
  EXPECT_EQ(server.state.leader(), 2U);
}

// K5, §1.4
TEST(Candidate, ASplitVoteIsFollowedByANewDrawAndANewTerm) {
  Server server({.options = kPlain});
  std::vector<Duration> waits;
  TimePoint now = become_candidate(server);
  for (Term term = 1; term < 20; ++term) {
    EXPECT_EQ(server.state.hard_state(), (HardState{.term = term, .vote = 1}));
    waits.push_back(server.state.election_deadline() - now);
    now = become_candidate(server);
  }
  EXPECT_NE(std::ranges::min(waits), std::ranges::max(waits));
  EXPECT_GE(std::ranges::min(waits), 150ms);
  EXPECT_LE(std::ranges::max(waits), 300ms);
}

// K6
TEST(Candidate, StandsInNoNewTermBeforeItsDeadline) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  for (const ServerId voter : {2U, 3U}) {
    const auto asked = server.state.compose_request_vote(voter);
    server.state.handle(asked, refuse(asked, 1, Refusal::voted_for_another), now + 1ms);
  }
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_DEATH(server.state.timeout(server.state.election_deadline() - 1ns), "patience");
}

// K7, V2: nothing was sent before the vote was durable, so a restart may find either record.
TEST(Candidate, ACrashBeforeItsVoteIsDurableLeavesNoTrace) {
  Server server({.options = kPlain});
  server.time_out();
  const auto asked = server.state.compose_request_vote(2);
  EXPECT_FALSE(server.state.is_durable(asked.after)) << "so it has not left";
  Server restarted({.options = kPlain, .hard_state = {}, .start = 2});
  EXPECT_TRUE(restarted.state.handle(vote_request(2, 1), at(1s))->message.granted);
}

// K7: and if it was durable, the restarted server remembers it, and asks in the next term.
TEST(Candidate, ACrashAfterItsVoteIsDurableKeepsIt) {
  Server restarted({.options = kPlain, .hard_state = {.term = 1, .vote = 1}, .start = 2});
  EXPECT_EQ(restarted.state.role(), Role::follower);
  EXPECT_FALSE(restarted.state.handle(vote_request(2, 1), at(1ms))->message.granted);
  become_candidate(restarted);
  EXPECT_EQ(restarted.state.term(), 2U);
}

// K8: asking again within the round is the same question; whichever copy is answered counts.
TEST(Candidate, AnAnswerCountsWhicheverCopyOfTheQuestionItAnswers) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  const auto first = server.state.compose_request_vote(2);
  const auto again = server.state.compose_request_vote(2);
  EXPECT_NE(first.message.header.request, again.message.header.request);
  server.state.handle(first, grant(first), now + 100ms);
  EXPECT_TRUE(server.state.election_won());
}

// L1, §1: the winner knows at the second vote of three.
TEST(Candidate, WinsWithAMajority) {
  Server server({.options = kPlain, .hard_state = {.term = 4}, .log = {1, 4}});
  const TimePoint now = become_candidate(server);
  const auto asked = server.state.compose_request_vote(3);
  server.state.handle(asked, grant(asked), now);
  ASSERT_TRUE(server.state.election_won());
  server.take_events();
  server.state.become_leader(now, kWallTime);
  EXPECT_EQ(server.state.leader(), 1U);
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=became_leader last_index=2 votes=2"}));
}

}  // namespace
}  // namespace coracle::raft
