// RequestVote: V1 to V15.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

const Options kPlain = Options::plain();

// V1, V10, B07: the last term first, then the last index; equal is enough.
TEST(RequestVote, IsGrantedToAnyLogThatIsAtLeastAsUpToDate) {
  struct Case {
    std::vector<Term> own;
    LogPosition candidate;
    bool granted;
  };
  const std::vector<Case> cases = {
      {{}, {0, 0}, true},            // both empty
      {{}, {1, 1}, true},            //
      {{1}, {0, 0}, false},          //
      {{1, 1}, {1, 2}, true},        // equal
      {{1, 1}, {1, 3}, true},        // longer
      {{1, 1}, {1, 1}, false},       // shorter
      {{1, 1, 1, 1}, {2, 1}, true},  // a later term beats a longer log
      {{1, 2}, {1, 100}, false},     // and the reverse
      {std::vector<Term>(100, 1), {1, 1}, false},
  };
  for (const Case& c : cases) {
    Server server({.options = kPlain, .hard_state = {.term = 4}, .log = c.own});
    const auto reply = server.state.handle(vote_request(2, 5, c.candidate), at(1ms));
    EXPECT_EQ(reply->message.granted, c.granted)
        << c.own.size() << " against " << c.candidate.term << "," << c.candidate.index;
    EXPECT_EQ(server.state.vote(), c.granted ? 2U : kNobody);
    EXPECT_EQ(reply->message.refusal, c.granted ? Refusal::none : Refusal::log_behind);
    const auto pre_vote = server.state.handle(pre_vote_request(2, 6, c.candidate), at(1ms));
    EXPECT_EQ(pre_vote->message.granted, c.granted) << "P2: the same test";
  }
}

// V1
TEST(RequestVote, OneVotePerTerm) {
  Server server({.options = kPlain});
  EXPECT_TRUE(server.state.handle(vote_request(2, 1), at(1ms))->message.granted);
  const auto second = server.state.handle(vote_request(3, 1), at(2ms));
  EXPECT_FALSE(second->message.granted);
  EXPECT_EQ(second->message.refusal, Refusal::voted_for_another);
  EXPECT_EQ(server.state.vote(), 2U);
  EXPECT_EQ(server.take_events().back(),
            "event=refused_vote candidate=3 candidate_term=1 reason=voted_for_another");
}

// V1: the vote that is found on disk binds like one just given.
TEST(RequestVote, TheVoteSurvivesARestart) {
  Server server({.options = kPlain, .hard_state = {.term = 7, .vote = 2}});
  EXPECT_FALSE(server.state.handle(vote_request(3, 7), at(1ms))->message.granted);
  EXPECT_TRUE(server.state.handle(vote_request(2, 7), at(1ms))->message.granted);
}

// V2: one change for term and vote, and the reply waits for it.
TEST(RequestVote, AGrantIsOneDurableChangeThatTheReplyWaitsFor) {
  Server server({.options = kPlain, .hard_state = {.term = 1}});
  const auto reply = server.state.handle(vote_request(2, 2), at(1ms));
  EXPECT_TRUE(reply->message.granted);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 2, .vote = 2}));
  EXPECT_EQ(reply->after, server.state.last_change());
  EXPECT_FALSE(server.state.is_durable(reply->after));
  server.sync();
  EXPECT_TRUE(server.state.is_durable(reply->after));
}

// V2: a refusal tells a term too.
TEST(RequestVote, ARefusalWaitsForTheTermThatItNames) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1}});
  const auto reply = server.state.handle(vote_request(2, 2), at(1ms));
  EXPECT_FALSE(reply->message.granted);
  EXPECT_EQ(reply->message.term, 2U);
  EXPECT_FALSE(server.state.is_durable(reply->after));
}

// V3, B11
TEST(RequestVote, ARepeatedRequestIsGrantedAgainIfTheLogStillAllowsIt) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1}});
  EXPECT_TRUE(server.state.handle(vote_request(2, 2, {1, 1}), at(1ms))->message.granted);
  const ChangeNumber changes = server.state.last_change();
  EXPECT_TRUE(server.state.handle(vote_request(2, 2, {1, 1}), at(2ms))->message.granted);
  EXPECT_EQ(server.state.last_change(), changes) << "nothing new to store";
  const auto with_less = server.state.handle(vote_request(2, 2, {0, 0}), at(3ms));
  EXPECT_FALSE(with_less->message.granted) << "it may have restarted with less";
  EXPECT_EQ(with_less->message.refusal, Refusal::log_behind);
}

// V4: what resets the timer ...
TEST(RequestVote, AGrantResetsTheTimer) {
  Server server({.options = kPlain});
  (void)server.state.handle(vote_request(2, 1), at(140ms));
  EXPECT_GE(server.state.election_deadline(), at(290ms));
  EXPECT_LE(server.state.election_deadline(), at(440ms));
}

// V4, V5: ... and what does not.
TEST(RequestVote, ARefusalKeepsTheTimerEvenIfTheTermIsAdopted) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1}});
  const TimePoint deadline = server.state.election_deadline();
  const auto behind = server.state.handle(vote_request(2, 6), at(1ms));
  EXPECT_FALSE(behind->message.granted);
  EXPECT_EQ(server.state.term(), 6U);
  EXPECT_EQ(server.state.vote(), kNobody);
  EXPECT_EQ(server.state.election_deadline(), deadline);
  (void)server.state.handle(vote_request(3, 2), at(2ms));
  EXPECT_EQ(server.state.election_deadline(), deadline);
}

// V5: a candidate that adopts a later term keeps its deadline, too.
TEST(RequestVote, ACandidateThatAdoptsATermKeepsItsDeadline) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1}});
  const TimePoint now = become_candidate(server);
  const TimePoint deadline = server.state.election_deadline();
  (void)server.state.handle(vote_request(2, 9), now + 1ms);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.election_deadline(), deadline);
}

// V6, §1.2
TEST(RequestVote, ACandidateRefusesItsTermAndYieldsToAHigherOne) {
  Server server({.options = kPlain, .hard_state = {.term = 3}});
  const TimePoint now = become_candidate(server);  // of term 4
  const auto lower = server.state.handle(vote_request(2, 3), now);
  EXPECT_EQ(lower->message.refusal, Refusal::stale_term);
  EXPECT_EQ(lower->message.term, 4U);
  const auto same = server.state.handle(vote_request(2, 4), now);
  EXPECT_EQ(same->message.refusal, Refusal::voted_for_another);
  EXPECT_EQ(server.state.role(), Role::candidate);
  EXPECT_TRUE(server.state.handle(vote_request(2, 5), now)->message.granted);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 5, .vote = 2}));
}

// V6, §1.2: who refuses does not change the asker.
TEST(RequestVote, ARefusalOfTheOwnTermChangesNothing) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  const Epoch epoch = server.state.epoch();
  const TimePoint deadline = server.state.election_deadline();
  for (const ServerId voter : {2U, 3U}) {
    const auto asked = server.state.compose_request_vote(voter);
    server.state.handle(asked, refuse(asked, 1, Refusal::voted_for_another), now);
  }
  EXPECT_TRUE(server.state.still(epoch));  // K6: it waits for its deadline, and asks in no new term
  EXPECT_EQ(server.state.role(), Role::candidate);
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.state.election_deadline(), deadline);
}

// V7, B21: a leader that hears its followers keeps off a server that does not hear it.
TEST(RequestVote, ALeaderWithAQuorumHoldsOffACandidate) {
  Server server;
  const TimePoint elected = become_leader(server);
  const auto asked = server.state.compose_heartbeat(2);
  server.state.handle(asked, acknowledge(asked), elected + 100ms);
  const auto held_off = server.state.handle(vote_request(3, 9, {1, 1}), elected + 249ms);
  EXPECT_FALSE(held_off->message.granted);
  EXPECT_EQ(held_off->message.refusal, Refusal::leader_alive);
  EXPECT_EQ(held_off->message.term, 1U) << "the term is not adopted (T1)";
  EXPECT_EQ(server.state.role(), Role::leader);
  const auto later = server.state.handle(vote_request(3, 9, {1, 1}), elected + 250ms);
  EXPECT_TRUE(later->message.granted) << "no quorum within the shortest timeout";
}

// V7
TEST(RequestVote, ALeaderYieldsToATransfer) {
  Server server;
  const TimePoint elected = become_leader(server);
  RequestVote transfer = vote_request(3, 2, {1, 1});
  transfer.leadership_transfer = true;
  EXPECT_TRUE(server.state.handle(transfer, elected + 1ms)->message.granted);
  EXPECT_EQ(server.state.role(), Role::follower);
}

// V8, T1: for the shortest timeout after a leader was heard, to the nanosecond.
TEST(RequestVote, AFollowerThatHearsALeaderHoldsOffACandidate) {
  Server server;
  (void)server.state.handle(heartbeat(2, 1), at(10ms));
  const auto held_off = server.state.handle(vote_request(3, 9), at(160ms) - 1ns);
  EXPECT_FALSE(held_off->message.granted);
  EXPECT_EQ(held_off->message.refusal, Refusal::leader_alive);
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.take_events().back(),
            "event=refused_vote candidate=3 candidate_term=9 reason=leader_alive");
  EXPECT_TRUE(server.state.handle(vote_request(3, 9), at(160ms))->message.granted);
  EXPECT_EQ(server.state.term(), 9U);
}

// V8: three that it is not held against.
TEST(RequestVote, TheRuleIsNotHeldAgainstTransfersTheLastLeaderOrAtAStart) {
  Server told;
  (void)told.state.handle(heartbeat(2, 1), at(10ms));
  RequestVote transfer = vote_request(3, 2);
  transfer.leadership_transfer = true;
  EXPECT_TRUE(told.state.handle(transfer, at(11ms))->message.granted);

  Server asked_by_leader;
  (void)asked_by_leader.state.handle(heartbeat(2, 1), at(10ms));
  EXPECT_TRUE(asked_by_leader.state.handle(vote_request(2, 2), at(11ms))->message.granted);

  Server just_started;
  EXPECT_TRUE(just_started.state.handle(vote_request(3, 2), at(1ms))->message.granted);
}

// V8: only a valid message of a leader counts.
TEST(RequestVote, AStaleLeaderHoldsNobodyOff) {
  Server server({.hard_state = {.term = 5}});
  (void)server.state.handle(heartbeat(2, 4), at(10ms));
  EXPECT_TRUE(server.state.handle(vote_request(3, 6), at(11ms))->message.granted);
}

// V8 is an option.
TEST(RequestVote, PlainRaftYieldsAtOnce) {
  Server server({.options = kPlain});
  (void)server.state.handle(heartbeat(2, 1), at(10ms));
  EXPECT_TRUE(server.state.handle(vote_request(3, 2), at(11ms))->message.granted);
}

// V9
TEST(RequestVote, VotesGoByLogAndTermAlone) {
  Server learner({.id = 4, .voters = {1, 2, 3}, .learners = {4}, .options = kPlain});
  RequestVote to_learner = vote_request(2, 1);
  to_learner.header.to = 4;
  EXPECT_TRUE(learner.state.handle(to_learner, at(1ms))->message.granted);

  Server without_configuration({.voters = {}, .options = kPlain});
  EXPECT_TRUE(without_configuration.state.handle(vote_request(2, 1), at(1ms))->message.granted);

  Server of_three({.options = kPlain});
  EXPECT_TRUE(of_three.state.handle(vote_request(9, 1), at(1ms))->message.granted)
      << "the own configuration may be old";
}

// V9: who is no voter stands for nothing, and goes on waiting.
TEST(RequestVote, ALearnerDoesNotStand) {
  Server learner({.id = 4, .voters = {1, 2, 3}, .learners = {4}});
  const TimePoint now = learner.time_out();
  EXPECT_EQ(learner.state.role(), Role::follower);
  EXPECT_FALSE(learner.state.asks_for_pre_votes());
  EXPECT_EQ(learner.state.term(), 0U);
  EXPECT_GE(learner.state.election_deadline(), now + 150ms);
  EXPECT_LE(learner.state.election_deadline(), now + 300ms);
}

// V11
TEST(RequestVote, TheOwnVoteCountsOnceItIsDurable) {
  Server server({.options = kPlain});
  const TimePoint now = server.time_out();
  const auto asked = server.state.compose_request_vote(2);
  EXPECT_EQ(asked.after, server.state.last_change()) << "and leaves no earlier";
  server.state.handle(asked, grant(asked), now);
  EXPECT_FALSE(server.state.election_won());
  server.sync();
  EXPECT_TRUE(server.state.election_won());
}

// V11: a term that is not durable is not led, whoever voted.
TEST(RequestVote, ATermIsLedOnlyOnceItIsDurable) {
  Server server({.voters = {1, 2, 3, 4, 5}, .options = kPlain});
  const TimePoint now = server.time_out();
  for (const ServerId voter : {2U, 3U, 4U}) {
    const auto asked = server.state.compose_request_vote(voter);
    server.state.handle(asked, grant(asked), now);
  }
  EXPECT_FALSE(server.state.election_won()) << "three votes of five, and the own term is not safe";
  EXPECT_DEATH(server.state.become_leader(now, kWallTime), "own vote is durable");
}

// V11: what is durable when the question leaves. A pre-vote may leave at once; a request for votes
// waits for the own vote, and with it for all entries, which came before.
TEST(RequestVote, NamesTheLastLogPositionThatIsDurableWhenItLeaves) {
  Server server({.hard_state = {.term = 2}, .log = {1}});
  (void)server.state.handle(append_request(2, 2, {1, 1}, {2, 2}), at(1ms));
  const ChangeNumber entries = server.state.last_change();
  server.time_out();
  EXPECT_EQ(server.state.compose_pre_vote(2).message.last_log, (LogPosition{1, 1}));
  const auto asked = server.state.compose_pre_vote(2);
  server.state.handle(asked, grant(asked), at(1s));
  EXPECT_TRUE(server.state.is_durable(asked.after));
  server.state.begin_election(at(1s));
  const auto question = server.state.compose_request_vote(2);
  EXPECT_EQ(question.message.last_log, (LogPosition{2, 3}));
  EXPECT_GT(question.after, entries);
  server.state.durable_up_to(entries, at(1s));
  EXPECT_FALSE(server.state.is_durable(question.after)) << "the own vote is not";
}

// V12
TEST(RequestVote, DuplicateGrantsAndThoseOfNonVotersDoNotCount) {
  Server server({.voters = {1, 2, 3, 4, 5}, .learners = {6}, .options = kPlain});
  const TimePoint now = become_candidate(server);
  const auto asked = server.state.compose_request_vote(2);
  server.state.handle(asked, grant(asked), now);
  server.state.handle(asked, grant(asked), now);
  const auto again = server.state.compose_request_vote(2);
  server.state.handle(again, grant(again), now);
  const auto learner = server.state.compose_request_vote(6);
  server.state.handle(learner, grant(learner), now);
  EXPECT_FALSE(server.state.election_won());
  const auto third = server.state.compose_request_vote(3);
  server.state.handle(third, grant(third), now);
  EXPECT_TRUE(server.state.election_won());
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{
                "event=started last_index=0 last_term=0", "event=became_candidate",
                "event=received_vote voter=2 votes=2", "event=received_vote voter=3 votes=3"}));
}

// V13
TEST(RequestVote, RepliesAfterWinningOrLosingAreIgnored) {
  Server server({.options = kPlain});
  const TimePoint now = become_candidate(server);
  const auto second = server.state.compose_request_vote(2);
  const auto third = server.state.compose_request_vote(3);
  server.state.handle(second, grant(second), now);
  server.state.become_leader(now, kWallTime);
  const Epoch led = server.state.epoch();
  server.state.handle(third, grant(third), now);
  server.state.handle(third, refuse(third, 1), now);
  EXPECT_TRUE(server.state.still(led));
  EXPECT_EQ(server.state.role(), Role::leader);

  Server loser({.options = kPlain});
  const TimePoint lost = become_candidate(loser);
  const auto asked = loser.state.compose_request_vote(2);
  (void)loser.state.handle(heartbeat(3, 1), lost);
  loser.state.handle(asked, grant(asked), lost);
  EXPECT_EQ(loser.state.role(), Role::follower);
  EXPECT_FALSE(loser.state.election_won());
}

// V14
TEST(RequestVote, OneServerLeadsAtOnceButNotBeforeItsVoteIsDurable) {
  for (const Options& options : {Options(), kPlain}) {
    Server server({.voters = {1}, .options = options});
    EXPECT_EQ(server.state.election_deadline(), at({}));
    const TimePoint now = server.time_out();
    if (options.pre_vote) {
      ASSERT_TRUE(server.state.pre_vote_won());
      server.state.begin_election(now);
    }
    EXPECT_FALSE(server.state.election_won());
    server.sync();
    EXPECT_TRUE(server.state.election_won());
    server.state.become_leader(now, kWallTime);
    server.sync(now);
    EXPECT_EQ(server.state.leader_deadline(), kNever) << "it needs nobody";
  }
}

// V15
TEST(RequestVote, AMajorityIsMoreThanHalfForEveryNumberOfServers) {
  for (std::size_t n = 1; n <= 12; ++n) {
    std::vector<ServerId> voters;
    for (ServerId id = 1; id <= n; ++id) voters.push_back(id);
    Server server({.voters = voters, .options = kPlain});
    const TimePoint now = become_candidate(server);
    std::size_t votes = 1;
    for (ServerId voter = 2; !server.state.election_won(); ++voter, ++votes) {
      ASSERT_LE(voter, n);
      const auto asked = server.state.compose_request_vote(voter);
      server.state.handle(asked, grant(asked), now);
    }
    EXPECT_EQ(votes, n / 2 + 1);
    EXPECT_EQ(Configuration(voters).majority(), n / 2 + 1);
  }
}

// B04: the own vote is given like any other.
TEST(RequestVote, ACandidateHasGivenItsVote) {
  Server server({.options = kPlain});
  become_candidate(server);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 1, .vote = 1}));
  EXPECT_FALSE(server.state.handle(vote_request(2, 1), at(1s))->message.granted);
}

// B06: having seen a later term is not having voted in it.
TEST(RequestVote, SeeingALaterTermIsNoVote) {
  Server server({.options = kPlain, .hard_state = {.term = 1}, .log = {1, 1}});
  const TimePoint now = become_leader(server);  // of term 2
  (void)server.state.handle(vote_request(3, 5, {1, 2}), now);
  EXPECT_EQ(server.state.hard_state(), (HardState{.term = 5, .vote = kNobody}));
  const auto again = server.state.handle(vote_request(3, 5, {1, 2}), now + 1ms);
  EXPECT_FALSE(again->message.granted) << "its log is short, however often it asks";
  EXPECT_TRUE(server.state.handle(vote_request(2, 5, {2, 3}), now + 2ms)->message.granted);
}

}  // namespace
}  // namespace coracle::raft
