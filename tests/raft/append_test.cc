// AppendEntries with entries, as a follower gets them: A2 to A8, and B25, B31, B38.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

std::vector<Term> terms_of(const State& state) {
  std::vector<Term> terms;
  for (LogIndex index = 1; index <= state.log().last().index; ++index) {
    terms.push_back(state.log().at(index).term);
  }
  return terms;
}

// What a server stores of its log, in words.
std::vector<std::string> stored_by(Server& server) {
  std::vector<std::string> words;
  for (const Change& change : server.state.take_changes()) {
    if (const auto* appended = std::get_if<AppendedEntry>(&change.what)) {
      words.push_back("append " + std::to_string(appended->entry.term) + ":" +
                      std::to_string(appended->index));
    } else if (const auto* truncated = std::get_if<Truncation>(&change.what)) {
      words.push_back("keep " + std::to_string(truncated->last.term) + ":" +
                      std::to_string(truncated->last.index));
    }
  }
  return words;
}

// §5.3
TEST(Append, TakesWhatTheLeaderHas) {
  Server server({.hard_state = {.term = 2}, .log = {1}});
  const auto reply = server.state.handle(append_request(2, 2, {1, 1}, {1, 2}, 1), at(1ms));
  EXPECT_TRUE(reply->message.success);
  EXPECT_EQ(terms_of(server.state), (std::vector<Term>{1, 1, 2}));
  EXPECT_EQ(server.state.log().entry(3), command(2));
  EXPECT_EQ(server.state.commit_index(), 1U);
  EXPECT_EQ(stored_by(server), (std::vector<std::string>{"append 1:2", "append 2:3"}));
}

// A2, B31: an older message that arrives after a longer one deletes nothing, and stores nothing.
TEST(Append, AnOlderMessageDeletesNothing) {
  Server server({.hard_state = {.term = 1}});
  (void)server.state.handle(append_request(2, 1, {}, {1, 1, 1, 1, 1}), at(1ms));
  (void)stored_by(server);
  const auto older = server.state.handle(append_request(2, 1, {}, {1, 1}), at(2ms));
  EXPECT_TRUE(older->message.success);
  EXPECT_EQ(older->message.matched, (LogPosition{1, 2})) << "of this request (A6)";
  const auto in_the_middle = server.state.handle(append_request(2, 1, {1, 2}, {1}), at(2ms));
  EXPECT_EQ(in_the_middle->message.matched, (LogPosition{1, 3}));
  (void)server.state.handle(heartbeat(2, 1, {1, 1}), at(2ms));
  EXPECT_EQ(server.state.log().last(), (LogPosition{1, 5}));
  EXPECT_EQ(stored_by(server), std::vector<std::string>());
}

// A2: only from a real conflict on; what is before it in the message stays where it is.
TEST(Append, AConflictDeletesFromItsPlaceOn) {
  Server server({.hard_state = {.term = 3}, .log = {1, 1, 2, 2, 2}});
  server.take_events();
  const auto reply = server.state.handle(append_request(2, 3, {1, 1}, {1, 3, 3}), at(1ms));
  EXPECT_TRUE(reply->message.success);
  EXPECT_EQ(reply->message.matched, (LogPosition{3, 4}));
  EXPECT_EQ(terms_of(server.state), (std::vector<Term>{1, 1, 3, 3}));
  EXPECT_EQ(stored_by(server), (std::vector<std::string>{"keep 1:2", "append 3:3", "append 3:4"}));
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{
                "event=heard_leader leader=2",
                "event=deleted_entries leader=2 first_index=3 first_term=2 count=3"}));
}

// A2: what is committed is never deleted; whoever asks for it, something is badly wrong.
TEST(Append, AConflictWithWhatIsCommittedIsABug) {
  Server server({.hard_state = {.term = 1}, .log = {1, 1, 1}});
  (void)server.state.handle(heartbeat(2, 1, {1, 3}, 2), at(1ms));
  EXPECT_DEATH((void)server.state.handle(append_request(3, 2, {1, 1}, {2}), at(2ms)),
               "what is committed is never deleted");
  (void)server.state.handle(append_request(3, 2, {1, 2}, {2}), at(2ms));
  EXPECT_EQ(terms_of(server.state), (std::vector<Term>{1, 1, 2})) << "but behind it, it may be";
}

// A3, B38: commit = min(leader's commit, last verified entry), whatever else the log holds.
TEST(Append, CommitsNoFurtherThanTheMessageReaches) {
  Server server({.hard_state = {.term = 2}, .log = {1, 1, 1, 1}});
  (void)server.state.handle(append_request(2, 2, {}, {1}, 9), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 1U) << "entries 2 to 4 may be others at the leader";
  (void)server.state.handle(append_request(2, 2, {1, 1}, {1, 2}, 2), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 2U) << "no further than the leader says";
  (void)server.state.handle(append_request(2, 2, {1, 2}, {2}, 9), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 3U);
  EXPECT_EQ(terms_of(server.state), (std::vector<Term>{1, 1, 2}));
}

// B38: a server that lost what was not durable hears that more is committed than it holds.
TEST(Append, AServerThatLostItsTailCommitsWhatItHas) {
  Server server({.hard_state = {.term = 1}, .log = {1, 1}, .start = 2});
  const auto refused = server.state.handle(heartbeat(2, 1, {1, 5}, 5), at(1ms));
  EXPECT_EQ(refused->message.conflict, (LogPosition{0, 3}));
  EXPECT_EQ(server.state.commit_index(), 0U);
  (void)server.state.handle(heartbeat(2, 1, {1, 2}, 5), at(1ms));
  EXPECT_EQ(server.state.commit_index(), 2U);
}

// A6: the acknowledgement names the last entry of this request, and leaves with exactly its change.
TEST(Append, AnAcknowledgementWaitsForItsLastEntry) {
  Server server({.hard_state = {.term = 1}});
  const auto two = server.state.handle(append_request(2, 1, {}, {1, 1}), at(1ms));
  const auto more = server.state.handle(append_request(2, 1, {1, 2}, {1, 1, 1}), at(1ms));
  EXPECT_EQ(two->message.matched, (LogPosition{1, 2}));
  EXPECT_EQ(more->message.matched, (LogPosition{1, 5}));
  EXPECT_EQ(two->after, 2U) << "no earlier";
  EXPECT_EQ(more->after, 5U);
  const auto again = server.state.handle(append_request(2, 1, {}, {1, 1}), at(2ms));
  EXPECT_EQ(again->after, 2U) << "a duplicate waits for the same, and for nothing behind it";
  const auto longer = server.state.handle(append_request(2, 1, {1, 1}, {1, 1}), at(2ms));
  EXPECT_EQ(longer->after, 3U);
  server.state.durable_up_to(3, at(3ms));
  const auto known = server.state.handle(append_request(2, 1, {}, {1, 1, 1}), at(3ms));
  EXPECT_TRUE(server.state.is_durable(known->after)) << "all of it is on disk";
  EXPECT_EQ(known->message.durable, (LogPosition{1, 3}));
}

// A6: by the number of the change, not by the index. While the entries of a former leader are being
// written, a new one has them replaced; that those are written says nothing of these.
TEST(Append, AnAcknowledgementIsOfThisEntryNotOfItsIndex) {
  Server server({.hard_state = {.term = 1}});
  (void)server.state.handle(append_request(2, 1, {}, {1, 1}), at(1ms));               // 1, 2
  const auto reply = server.state.handle(append_request(3, 2, {}, {2, 2}), at(2ms));  // 3 to 6
  EXPECT_EQ(reply->after, 6U) << "a term, a truncation, two entries";
  EXPECT_EQ(server.state.log().durable(), LogPosition{});
  for (const ChangeNumber written : {2U, 3U, 4U}) {
    server.state.durable_up_to(written, at(3ms));
    EXPECT_EQ(server.state.log().durable(), LogPosition{}) << written;
    EXPECT_FALSE(server.state.is_durable(reply->after));
    const auto beat = server.state.handle(heartbeat(3, 2, {2, 2}), at(3ms));
    EXPECT_EQ(beat->message.matched, LogPosition{}) << written;
  }
  server.state.durable_up_to(5, at(3ms));
  EXPECT_EQ(server.state.log().durable(), (LogPosition{2, 1}));
  server.state.durable_up_to(6, at(3ms));
  EXPECT_EQ(server.state.log().durable(), (LogPosition{2, 2}));
  EXPECT_TRUE(server.state.is_durable(reply->after));
}

// A6: the same where only the tail is replaced, and is longer than what it replaces.
TEST(Append, WhatIsKeptStaysDurableUnderAReplacedTail) {
  Server server({.hard_state = {.term = 2}, .log = {1, 1}});
  (void)server.state.handle(append_request(2, 2, {1, 2}, {2, 2}), at(1ms));     // 1, 2
  (void)server.state.handle(append_request(3, 3, {1, 1}, {3, 3, 3}), at(2ms));  // 3 to 7
  EXPECT_EQ(server.state.log().durable(), (LogPosition{1, 1}));
  server.state.durable_up_to(4, at(3ms));
  EXPECT_EQ(server.state.log().durable(), (LogPosition{1, 1}));
  server.state.durable_up_to(7, at(3ms));
  EXPECT_EQ(server.state.log().durable(), (LogPosition{3, 4}));
}

// A6, V2: entries of a new term are acknowledged after the term, too.
TEST(Append, AnAcknowledgementWaitsForTheTermOfItsLeader) {
  Server server({.hard_state = {.term = 1}, .log = {1, 1}});
  const auto reply = server.state.handle(append_request(2, 4, {}, {1, 1}), at(1ms));
  EXPECT_TRUE(reply->message.success);
  EXPECT_EQ(reply->message.matched, (LogPosition{1, 2}));
  EXPECT_EQ(reply->after, 1U) << "the entries are on disk, the term is not";
}

// V1, A6: a vote goes by all that was taken, durable or not. An acknowledgement may be waiting for
// it, which the leader of the former term will count: so whoever lacks the entry must not be
// helped.
TEST(Append, AVoteGoesByWhatWasTakenNotByWhatIsDurable) {
  Server server({.options = Options::plain(), .hard_state = {.term = 1}, .log = {1}});
  const auto reply = server.state.handle(append_request(2, 1, {1, 1}, {1}), at(1ms));
  EXPECT_FALSE(server.state.is_durable(reply->after));
  const auto pre_vote = server.state.handle(pre_vote_request(3, 2, {1, 1}), at(2ms));
  EXPECT_EQ(pre_vote->message.refusal, Refusal::log_behind);
  const auto vote = server.state.handle(vote_request(3, 2, {1, 1}), at(2ms));
  EXPECT_EQ(vote->message.refusal, Refusal::log_behind);
}

// A7: where the logs part, whether or not the message carries entries.
TEST(Append, AGapIsRefusedAndNothingIsTaken) {
  Server server({.hard_state = {.term = 5}, .log = {1, 3, 3}});
  const auto gap = server.state.handle(append_request(2, 5, {3, 7}, {5}, 7), at(1ms));
  EXPECT_EQ(gap->message.refusal, Refusal::log_mismatch);
  EXPECT_EQ(gap->message.conflict, (LogPosition{0, 4}));
  EXPECT_TRUE(server.state.is_durable(gap->after)) << "it tells of nothing that is not";
  const auto other = server.state.handle(append_request(2, 5, {4, 3}, {5}, 4), at(1ms));
  EXPECT_EQ(other->message.conflict, (LogPosition{3, 2})) << "its term, and the first of that";
  EXPECT_EQ(stored_by(server), std::vector<std::string>());
  EXPECT_EQ(server.state.commit_index(), 0U);
}

// A8: an empty batch is a heartbeat; a configuration inside is an entry like another.
TEST(Append, TakesEntriesOfEachKindAsTheyAre) {
  Server server({.hard_state = {.term = 1}});
  AppendEntries request = heartbeat(2, 1);
  for (const EntryKind kind : {EntryKind::no_op, EntryKind::command, EntryKind::configuration,
                               EntryKind::session, EntryKind::session_command}) {
    request.entries.push_back(
        {.term = 1, .kind = kind, .log_time = kWallTime, .data = SharedBytes("some")});
  }
  request.entries.push_back({.term = 1, .kind = EntryKind::command, .log_time = kWallTime});
  const auto reply = server.state.handle(request, at(1ms));
  EXPECT_EQ(reply->message.matched, (LogPosition{1, 6}));
  EXPECT_EQ(server.state.log().entries(1, 6, 1 << 20), request.entries);
  EXPECT_EQ(server.state.log().last_log_time(), kWallTime);
  std::vector<Entry> stored;
  for (const Change& change : server.state.take_changes()) {
    stored.push_back(std::get<AppendedEntry>(change.what).entry);
  }
  EXPECT_EQ(stored, request.entries);
}

// B25, K1: whoever leads its term is followed, though nothing of its message can be taken.
TEST(Append, ACandidateFollowsALeaderWhoseEntriesDoNotFit) {
  Server server({.options = Options::plain(), .hard_state = {.term = 1}, .log = {1}});
  const TimePoint now = become_candidate(server);
  const ChangeNumber changes = server.state.last_change();
  const auto reply = server.state.handle(append_request(2, 2, {2, 8}, {2, 2}), now + 1ms);
  EXPECT_EQ(reply->message.refusal, Refusal::log_mismatch);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.leader(), 2U);
  EXPECT_EQ(server.state.last_change(), changes);
}

// ---- Any messages of a leader, in any order ----

// A slice of the leader's log, or none of it.
AppendEntries any_slice(const std::vector<Term>& leader, Term term, LogIndex commit,
                        Random& random) {
  const LogIndex previous = random.below(leader.size() + 1);
  const std::size_t count = random.below(leader.size() - previous + 1);
  const auto first = leader.begin() + static_cast<std::ptrdiff_t>(previous);
  const LogPosition before{.term = previous == 0 ? 0 : leader[previous - 1], .index = previous};
  const std::vector<Term> terms(first, first + static_cast<std::ptrdiff_t>(count));
  return append_request(2, term, before, terms, commit);
}

// A log of random length whose terms rise.
std::vector<Term> any_terms(Term from, Term to, std::size_t length, Random& random) {
  std::vector<Term> terms;
  for (std::size_t i = 0; i < length; ++i) terms.push_back(from + random.below(to - from + 1));
  std::ranges::sort(terms);
  return terms;
}

// A5: duplicated, reordered, with gaps, over a log that may have gone another way: what was
// acknowledged once stays, what is committed is the leader's, and in the end the logs are equal.
TEST(Append, DuplicatesReorderingAndGapsDoNoHarm) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    const std::vector<Term> shared = any_terms(1, 3, random.below(4), random);
    std::vector<Term> leader = shared;
    std::vector<Term> own = shared;
    for (const Term term : any_terms(4, 6, random.below(8), random)) leader.push_back(term);
    for (const Term term : any_terms(7, 8, random.below(5), random)) own.push_back(term);
    Server server({.hard_state = {.term = 9}, .log = own});
    const LogIndex commit = random.below(leader.size() + 1);
    LogIndex acknowledged = 0;
    for (int message = 0; message < 30; ++message) {
      const auto reply = server.state.handle(any_slice(leader, 9, commit, random), at(1ms));
      if (random.chance(0.3)) {
        const ChangeNumber last = server.state.last_change();
        server.state.durable_up_to(last, at(1ms));
      }
      if (!reply->message.success) continue;
      acknowledged = std::max(acknowledged, reply->message.matched.index);
      ASSERT_LE(acknowledged, server.state.log().last().index) << "seed " << seed;
      for (LogIndex index = 1; index <= acknowledged; ++index) {
        ASSERT_EQ(server.state.log().at(index).term, leader[index - 1]) << "seed " << seed;
      }
      ASSERT_LE(server.state.commit_index(), commit);
      for (LogIndex index = 1; index <= server.state.commit_index(); ++index) {
        ASSERT_EQ(server.state.log().at(index).term, leader[index - 1]) << "seed " << seed;
      }
    }
    (void)server.state.handle(append_request(2, 9, {}, leader, commit), at(2ms));
    const std::vector<Term> ends = terms_of(server.state);
    ASSERT_GE(ends.size(), leader.size());
    ASSERT_TRUE(std::equal(leader.begin(), leader.end(), ends.begin())) << "seed " << seed;
    ASSERT_EQ(server.state.commit_index(), commit) << "seed " << seed;
  }
}

}  // namespace
}  // namespace coracle::raft
