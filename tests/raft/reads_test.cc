// Linearizable reads, as State knows them: R1, B60.
#include <gtest/gtest.h>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// A leader that has committed its first entry.
TimePoint become_settled_leader(Server& server) {
  const TimePoint now = become_leader(server);
  for (const ServerId follower : server.state.voting_peers()) {
    const auto asked = server.state.compose_entries(follower);
    server.state.handle(asked, acknowledge(asked), now);
    server.state.entries_ended(asked);
  }
  return now;
}

void answer_all(Server& server, const std::vector<Outgoing<AppendEntries>>& asked, TimePoint now) {
  for (const auto& message : asked) server.state.handle(message, acknowledge(message), now);
}

// R1, B60: before an entry of its own term is committed, a leader does not know what is. It commits
// one by itself: an idle cluster can be read.
TEST(Reads, WaitForAnEntryOfTheLeadersTerm) {
  Server server({.hard_state = {.term = 2}, .log = {1, 2}});
  const TimePoint now = become_leader(server);
  EXPECT_FALSE(server.state.knows_commit_index());
  EXPECT_DEATH((void)server.state.ask_read(), "wait for an entry of the leader's term");
  const auto beat = server.state.compose_heartbeat(2);
  server.state.handle(beat, acknowledge(beat), now);
  EXPECT_FALSE(server.state.knows_commit_index()) << "what is of an earlier term does not do";
  const auto asked = server.state.compose_entries(2);
  server.state.handle(asked, acknowledge(asked), now);
  EXPECT_TRUE(server.state.knows_commit_index()) << "nobody had to write anything";
  EXPECT_EQ(server.state.ask_read().index, 3U);
}

// R1: a message that had left before the read came proves nothing for it; one that leaves after
// does, whether it carries entries or none.
TEST(Reads, NeedARoundThatWasSentAfterTheyCame) {
  Server server;
  const TimePoint now = become_settled_leader(server);
  const auto before = server.state.compose_heartbeat(2);
  const ReadTicket ticket = server.state.ask_read();
  EXPECT_FALSE(server.state.read_confirmed(ticket.round));
  server.state.handle(before, acknowledge(before), now);
  EXPECT_FALSE(server.state.read_confirmed(ticket.round));
  EXPECT_TRUE(server.state.needs_read_round(2));
  const auto after = server.state.compose_heartbeat(2);
  EXPECT_FALSE(server.state.needs_read_round(2)) << "it is on its way";
  EXPECT_TRUE(server.state.needs_read_round(3));
  server.state.handle(after, acknowledge(after), now);
  EXPECT_TRUE(server.state.read_confirmed(ticket.round));
  EXPECT_FALSE(server.state.needs_read_round(3)) << "two of three are enough";

  const ReadTicket second = server.state.ask_read();
  server.state.append(EntryKind::command, {}, now, kWallTime);
  const auto entries = server.state.compose_entries(3);
  EXPECT_EQ(entries.message.read_round, second.round);
  server.state.handle(entries, acknowledge(entries), now);
  EXPECT_TRUE(server.state.read_confirmed(second.round));
}

// R1: reads that come while a round is on its way share the next one, and no earlier one.
TEST(Reads, AnAnswerToAnEarlierRoundConfirmsNoLaterOne) {
  Server server;
  const TimePoint now = become_settled_leader(server);
  const ReadTicket first = server.state.ask_read();
  const ReadTicket with_it = server.state.ask_read();
  EXPECT_EQ(with_it.round, first.round) << "nothing has left yet";
  const auto round = server.state.compose_heartbeat(2);
  const ReadTicket later = server.state.ask_read();
  const ReadTicket with_later = server.state.ask_read();
  EXPECT_GT(later.round, first.round);
  EXPECT_EQ(with_later.round, later.round);
  const auto copy = server.state.compose_heartbeat(3);
  server.state.handle(round, acknowledge(round), now);
  EXPECT_TRUE(server.state.read_confirmed(first.round));
  EXPECT_FALSE(server.state.read_confirmed(later.round));
  server.state.handle(copy, acknowledge(copy), now);
  server.state.handle(round, acknowledge(round), now);
  EXPECT_FALSE(server.state.read_confirmed(later.round)) << "however many answer the earlier one";
  EXPECT_TRUE(server.state.needs_read_round(2)) << "the next has begun";
  const auto next = server.state.compose_heartbeat(2);
  server.state.handle(next, acknowledge(next), now);
  EXPECT_TRUE(server.state.read_confirmed(later.round));
}

// R1: up to what was committed when it came.
TEST(Reads, SeeWhatWasCommittedWhenTheyCame) {
  Server server;
  const TimePoint now = become_settled_leader(server);
  server.state.append(EntryKind::command, {}, now, kWallTime);
  const ReadTicket ticket = server.state.ask_read();
  server.sync(now);
  const auto asked = server.state.compose_entries(2);
  server.state.handle(asked, acknowledge(asked), now);
  EXPECT_EQ(server.state.commit_index(), 2U);
  EXPECT_EQ(ticket.index, 1U);
  EXPECT_EQ(server.state.ask_read().index, 2U);
}

// R1: a majority of the voters, of which the leader is one, and learners are none.
TEST(Reads, NeedAMajorityOfVoters) {
  Server server({.voters = {1, 2, 3, 4, 5}, .learners = {6, 7}});
  const TimePoint now = become_settled_leader(server);
  const ReadTicket ticket = server.state.ask_read();
  const auto hear = [&](ServerId peer) {
    const auto asked = server.state.compose_heartbeat(peer);
    server.state.handle(asked, acknowledge(asked), now);
    server.state.handle(asked, acknowledge(asked), now);  // twice is not two
    return server.state.read_confirmed(ticket.round);
  };
  EXPECT_FALSE(hear(6));
  EXPECT_FALSE(hear(7));
  EXPECT_FALSE(hear(5));
  EXPECT_TRUE(hear(2));
}

// R1: whoever refuses the entries still takes this server for the leader of the term.
TEST(Reads, ARefusalOfTheLogIsAProofOfLeadership) {
  Server server;
  const TimePoint now = become_settled_leader(server);
  const ReadTicket ticket = server.state.ask_read();
  const auto asked = server.state.compose_heartbeat(2);
  server.state.handle(asked, refuse(asked, {0, 1}), now);
  EXPECT_TRUE(server.state.read_confirmed(ticket.round));
}

// R1: where it needs nobody, at once, again and again; but only with its first entry durable.
TEST(Reads, ASingleServerNeedsNoRound) {
  for (const std::vector<ServerId>& learners : {std::vector<ServerId>{}, {2, 3}}) {
    Server server({.voters = {1}, .learners = learners});
    win_election(server);
    EXPECT_FALSE(server.state.knows_commit_index());
    server.sync();
    ASSERT_TRUE(server.state.knows_commit_index());
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(server.state.read_confirmed(server.state.ask_read().round));
    }
  }
}

// R1: a round of an earlier leadership proves nothing in a later one.
TEST(Reads, ARoundEndsWithItsLeadership) {
  Server server({.options = Options::plain()});
  const TimePoint first = become_settled_leader(server);
  std::vector<Outgoing<AppendEntries>> old;
  for (int round = 0; round < 5; ++round) {
    const ReadTicket ticket = server.state.ask_read();
    old = {server.state.compose_heartbeat(2), server.state.compose_heartbeat(3)};
    answer_all(server, old, first);
    EXPECT_TRUE(server.state.read_confirmed(ticket.round));
  }
  (void)server.state.ask_read();
  old = {server.state.compose_heartbeat(2), server.state.compose_heartbeat(3)};
  (void)server.state.handle(heartbeat(3, 2), first + 1ms);
  const TimePoint again = become_settled_leader(server);
  const ReadTicket ticket = server.state.ask_read();
  EXPECT_FALSE(server.state.read_confirmed(ticket.round))
      << "what was answered before is of before";
  EXPECT_TRUE(server.state.needs_read_round(2));
  answer_all(server, old, again);
  EXPECT_FALSE(server.state.read_confirmed(ticket.round)) << "and so is what is answered late";
}

// ---- Asked by followers ----

TEST(Reads, AFollowerIsAnsweredByTheLeaderOfItsTermOnly) {
  Server server({.hard_state = {.term = 3}});
  const auto refusal = [&](Term term) {
    return server.state.handle(ReadIndex{.header = from(2), .term = term}, at(1ms));
  };
  EXPECT_EQ(refusal(2), Refusal::stale_term);
  EXPECT_EQ(refusal(3), Refusal::not_leader);
  EXPECT_EQ(refusal(5), Refusal::not_leader);
  EXPECT_EQ(server.state.term(), 5U) << "T1";
  ReadIndex stranger{.header = from(2), .term = 9};
  stranger.header.cluster = 1;
  EXPECT_FALSE(server.state.handle(stranger, at(1ms)).has_value());

  Server leader;
  become_settled_leader(leader);
  EXPECT_EQ(leader.state.handle(ReadIndex{.header = from(2), .term = 1}, at(1s)), Refusal::none);
  const ReadIndex asked{.header = from(2, 1, 44), .term = 1};
  const auto reply = leader.state.compose_read_index_reply(asked, Refusal::none, 12);
  EXPECT_TRUE(reply.message.success);
  EXPECT_EQ(reply.message.index, 12U);
  EXPECT_EQ(reply.message.header.request, 44U);
}

TEST(Reads, AFollowerTakesTheAnswerToItsQuestion) {
  Server server;
  (void)server.state.handle(heartbeat(2, 1), at(1ms));
  server.sync();
  const auto asked = server.state.compose_read_index();
  EXPECT_EQ(asked.message.header.to, 2U);
  EXPECT_EQ(asked.message.term, 1U);
  ReadIndexReply reply{.header = answer(asked.message.header),
                       .term = 1,
                       .success = true,
                       .refusal = Refusal::none,
                       .index = 8};
  EXPECT_EQ(server.state.handle(asked, reply, at(2ms)), LogIndex{8});
  ReadIndexReply other = reply;
  ++other.header.request;
  EXPECT_EQ(server.state.handle(asked, other, at(2ms)), std::nullopt);
  reply.success = false;
  reply.refusal = Refusal::not_leader;
  reply.term = 4;
  EXPECT_EQ(server.state.handle(asked, reply, at(2ms)), std::nullopt);
  EXPECT_EQ(server.state.term(), 4U) << "T1";
}

}  // namespace
}  // namespace coracle::raft
