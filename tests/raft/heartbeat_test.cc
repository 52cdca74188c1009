// AppendEntries as heartbeat: A1, A3, A6, A7, A10, L3, L5, V4, and B12, B38.
#include <gtest/gtest.h>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// V4
TEST(Heartbeat, ResetsTheTimerAndNamesTheLeader) {
  Server server;
  const auto reply = server.state.handle(heartbeat(2, 1), at(100ms));
  EXPECT_TRUE(reply->message.success);
  EXPECT_EQ(server.state.leader(), 2U);
  EXPECT_GE(server.state.election_deadline(), at(250ms));
  EXPECT_LE(server.state.election_deadline(), at(400ms));
  (void)server.state.handle(heartbeat(2, 1), at(200ms));
  EXPECT_GE(server.state.election_deadline(), at(350ms));
}

// A leader is news once per term, and again after it was given up.
TEST(Heartbeat, ALeaderIsHeardOnce) {
  Server server;
  server.take_events();
  (void)server.state.handle(heartbeat(2, 1), at(1ms));
  (void)server.state.handle(heartbeat(2, 1), at(2ms));
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=adopted_term from=2", "event=heard_leader leader=2"}));
  server.time_out();
  EXPECT_EQ(server.state.leader(), kNobody);
  server.take_events();
  (void)server.state.handle(heartbeat(2, 1), at(1s));
  EXPECT_EQ(server.take_events(), (std::vector<std::string>{"event=heard_leader leader=2"}));
}

// A1, A7: where the leader should look next.
TEST(Heartbeat, ChecksTheLogAndSaysWhereTheyPart) {
  Server server({.hard_state = {.term = 6}, .log = {1, 4, 4, 5, 5}});
  const auto conflict = [&](LogPosition previous) {
    const auto reply = server.state.handle(heartbeat(2, 6, previous), at(1ms));
    EXPECT_FALSE(reply->message.success);
    EXPECT_EQ(reply->message.refusal, Refusal::log_mismatch);
    EXPECT_EQ(reply->message.matched, LogPosition{});
    return reply->message.conflict;
  };
  EXPECT_EQ(conflict({6, 6}), (LogPosition{0, 6})) << "shorter: its end";
  EXPECT_EQ(conflict({6, 90}), (LogPosition{0, 6}));
  EXPECT_EQ(conflict({6, 5}), (LogPosition{5, 4})) << "the first of the term that stands there";
  EXPECT_EQ(conflict({3, 3}), (LogPosition{4, 2}));
  EXPECT_EQ(conflict({2, 1}), (LogPosition{1, 1}));
  EXPECT_EQ(conflict({3, 0}), (LogPosition{0, 1})) << "no leader means this; it does no harm";
  EXPECT_TRUE(server.state.handle(heartbeat(2, 6, {5, 4}), at(1ms))->message.success);
  EXPECT_TRUE(server.state.handle(heartbeat(2, 6, {0, 0}), at(1ms))->message.success);
}

// A3, B38
TEST(Heartbeat, CommitsNoFurtherThanWasVerified) {
  Server server({.hard_state = {.term = 6}, .log = {1, 4, 4, 5, 5}});
  (void)server.state.handle(heartbeat(2, 6, {4, 3}, 2), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 2U);
  (void)server.state.handle(heartbeat(2, 6, {4, 3}, 5), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 3U) << "entry 4 may be another one at the leader";
  (void)server.state.handle(heartbeat(2, 6, {5, 5}, 900), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 5U) << "the leader is ahead of what we hold";
  (void)server.state.handle(heartbeat(2, 6, {4, 2}, 1), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 5U) << "an older message takes nothing back";
  (void)server.state.handle(heartbeat(2, 6, {6, 9}, 9), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 5U) << "a failed check commits nothing";
}

// A6, A10
TEST(Heartbeat, AReplyTellsWhatIsDurableAndWaitsForTheHardStateAlone) {
  Server server({.hard_state = {.term = 6}, .log = {1, 4}});
  (void)server.state.handle(append_request(2, 6, {4, 2}, {4, 5, 5}), at(1ms));
  AppendEntries request = heartbeat(2, 6, {5, 4});
  request.read_round = 12;
  const auto reply = server.state.handle(request, at(1ms));
  EXPECT_TRUE(reply->message.success);
  EXPECT_EQ(reply->message.matched, (LogPosition{4, 2})) << "entries 3 and 4 are not on disk yet";
  EXPECT_EQ(reply->message.durable, (LogPosition{4, 2}));
  EXPECT_EQ(reply->message.read_round, 12U);
  EXPECT_TRUE(server.state.is_durable(reply->after)) << "no change of hard state, so no wait";
  const auto behind = server.state.handle(heartbeat(2, 6, {1, 1}), at(1ms));
  EXPECT_EQ(behind->message.matched, (LogPosition{1, 1})) << "of this request";
  EXPECT_EQ(behind->message.durable, (LogPosition{4, 2})) << "now";
}

// L3, B12
TEST(Heartbeat, AnotherLeaderOfTheOwnTermIsABug) {
  Server server;
  const TimePoint now = become_leader(server);
  EXPECT_DEATH((void)server.state.handle(heartbeat(2, 1), now), "two leaders in one term");
  AppendEntries stranger = heartbeat(2, 1);
  stranger.header.cluster = 1;
  EXPECT_FALSE(server.state.handle(stranger, now)) << "but only one of ours";
  EXPECT_EQ(server.state.role(), Role::leader);
}

// B10: the same, seen by a follower; also after it had given its leader up.
TEST(Heartbeat, ATermHasOneLeader) {
  Server server;
  (void)server.state.handle(heartbeat(2, 1), at(1ms));
  EXPECT_DEATH((void)server.state.handle(heartbeat(3, 1), at(2ms)), "two leaders in one term");
  server.time_out();
  EXPECT_DEATH((void)server.state.handle(heartbeat(3, 1), at(1s)), "two leaders in one term");
  EXPECT_TRUE(server.state.handle(heartbeat(3, 2), at(1s))->message.success);
}

// L5: one longest timeout without a majority, to the nanosecond.
TEST(Heartbeat, ALeaderThatHearsNoMajorityStepsDown) {
  Server server({.voters = {1, 2, 3, 4, 5}});
  const TimePoint elected = become_leader(server);
  const auto hear = [&](ServerId peer, Duration since) {
    const auto asked = server.state.compose_heartbeat(peer);
    server.state.handle(asked, acknowledge(asked), elected + since);
  };
  hear(2, 100ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 300ms) << "two of five are no majority";
  hear(3, 150ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 400ms);
  hear(3, 200ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 400ms);
  hear(4, 250ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 500ms);
  server.state.check_leadership(elected + 500ms - 1ns);
  EXPECT_EQ(server.state.role(), Role::leader);
  server.state.check_leadership(elected + 500ms);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.state.leader(), kNobody);
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=stepped_down reason=no_quorum"}));
}

// L5: learners are no part of it, and a refusal of a follower's log is a sign of life like another.
TEST(Heartbeat, OnlyVotersKeepALeaderAndAFailedCheckIsASignOfLife) {
  Server server({.learners = {4}, .hard_state = {.term = 1}, .log = {1}});
  const TimePoint elected = become_leader(server);
  const auto learner = server.state.compose_heartbeat(4);
  server.state.handle(learner, acknowledge(learner), elected + 200ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 300ms);
  const auto asked = server.state.compose_heartbeat(2);
  AppendEntriesReply mismatch = acknowledge(asked);
  mismatch.success = false;
  mismatch.refusal = Refusal::log_mismatch;
  mismatch.conflict = {.term = 0, .index = 1};
  server.state.handle(asked, mismatch, elected + 200ms);
  EXPECT_EQ(server.state.leader_deadline(), elected + 500ms);
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{
                "event=missed_append follower=2 conflict_term=0 conflict_index=1"}));
  server.state.handle(asked, mismatch, elected + 250ms);
  EXPECT_TRUE(server.take_events().empty()) << "told once, not twenty times a second";
}

// L5 is an option.
TEST(Heartbeat, APlainLeaderStays) {
  Server server({.options = Options::plain()});
  const TimePoint elected = become_leader(server);
  EXPECT_EQ(server.state.leader_deadline(), kNever);
  server.state.check_leadership(elected + 1h);
  EXPECT_EQ(server.state.role(), Role::leader);
}

// T5: an answer to a heartbeat of an earlier time as leader is no sign of life.
TEST(Heartbeat, AnswersToAnEarlierLeadershipDoNotCount) {
  Server server({.options = {.pre_vote = false}});
  become_leader(server);
  const auto old = server.state.compose_heartbeat(2);
  (void)server.state.handle(heartbeat(3, 2), at(1s));
  const TimePoint again = become_leader(server);  // of term 3
  AppendEntriesReply late = acknowledge(old);
  late.term = 3;
  server.state.handle(old, late, again + 100ms);
  EXPECT_EQ(server.state.leader_deadline(), again + 300ms);
}

// What replication will go on from, and what followers need to take turns.
TEST(Heartbeat, CarriesTheEndOfTheLogAndARank) {
  Server server({.voters = {1, 2, 3, 4}, .hard_state = {.term = 2}, .log = {1, 2}});
  const TimePoint elected = become_leader(server);
  const auto asked = server.state.compose_heartbeat(2);
  EXPECT_EQ(asked.message.term, 3U);
  EXPECT_EQ(asked.message.previous, (LogPosition{2, 2}));
  EXPECT_EQ(asked.message.commit, 0U);
  EXPECT_TRUE(asked.message.entries.empty());
  EXPECT_EQ(asked.message.rank, 0U) << "all alike: by id";
  EXPECT_EQ(server.state.compose_heartbeat(4).message.rank, 2U);
  const auto longest = server.state.compose_heartbeat(4);
  server.state.handle(longest, acknowledge(longest), elected);
  EXPECT_EQ(server.state.compose_heartbeat(4).message.rank, 0U) << "the longest durable log first";
  EXPECT_EQ(server.state.compose_heartbeat(2).message.rank, 1U);
  EXPECT_EQ(server.state.compose_heartbeat(3).message.rank, 2U);
}

}  // namespace
}  // namespace coracle::raft
