// A leader and its followers' logs: A7 to A9, L2, and B13, B32, B35, B36.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

LogPosition propose(Server& server, std::string_view text = "x") {
  return server.state.append(EntryKind::command, SharedBytes(text), at({}), kWallTime);
}

// Sends what comes next from memory, and has it answered like that.
void replicate(Server& server, ServerId follower, TimePoint now) {
  const auto asked = server.state.compose_entries(follower);
  server.state.handle(asked, acknowledge(asked), now);
  server.state.entries_ended(asked);
}

// ---- Commitment ----

// L2, B13: Figure 8. An entry of an earlier term is on a majority of disks, and not committed,
// because a later leader may still delete it; an entry of the own term commits it, too.
TEST(Replication, AnEntryOfAnEarlierTermIsNotCommittedByCounting) {
  Server server({.voters = {1, 2, 3, 4, 5}, .hard_state = {.term = 3}, .log = {1, 2}});
  const TimePoint now = become_leader(server);  // of term 4
  for (const ServerId follower : {2U, 3U, 4U, 5U}) {
    const auto beat = server.state.compose_heartbeat(follower);
    ASSERT_EQ(beat.message.previous, (LogPosition{2, 2}));
    server.state.handle(beat, acknowledge(beat), now);
    EXPECT_EQ(server.state.progress(follower).matched(), 2U);
    EXPECT_EQ(server.state.commit_index(), 0U) << "with " << follower;
  }
  replicate(server, 2, now);
  EXPECT_EQ(server.state.commit_index(), 0U) << "entry 3 is on two disks of five";
  replicate(server, 3, now);
  EXPECT_EQ(server.state.commit_index(), 3U) << "with all before it";
}

// B36: alone it commits what is on its own disk, and nothing else.
TEST(Replication, ASingleServerCommitsWhatIsDurable) {
  Server server({.voters = {1}});
  win_election(server);
  EXPECT_EQ(server.state.commit_index(), 0U);
  server.sync();
  EXPECT_EQ(server.state.commit_index(), 1U);
  propose(server);
  const ChangeNumber second = server.state.last_change();
  propose(server);
  EXPECT_EQ(server.state.commit_index(), 1U);
  server.state.durable_up_to(second, at({}));
  EXPECT_EQ(server.state.commit_index(), 2U);
}

// §5.3: the own disk is one of the majority, and no more than that.
TEST(Replication, CommitsWithoutItsOwnDiskIfOthersAreAMajority) {
  Server server;
  const TimePoint now = win_election(server);
  replicate(server, 2, now);
  EXPECT_EQ(server.state.commit_index(), 0U);
  replicate(server, 3, now);
  EXPECT_EQ(server.state.commit_index(), 1U) << "two of three, though it is not one of them";
}

// A6, A10: what a follower has taken, but not stored, counts for nothing.
TEST(Replication, CountsWhatIsDurableAtFollowers) {
  Server server;
  const TimePoint now = become_leader(server);
  propose(server);
  server.sync(now);
  const auto asked = server.state.compose_entries(2);
  AppendEntriesReply partly = acknowledge(asked);
  partly.matched = partly.durable = {1, 1};
  server.state.handle(asked, partly, now);
  EXPECT_EQ(server.state.commit_index(), 1U);
  EXPECT_EQ(server.state.progress(2).next(), 3U) << "it has it all, so nothing is sent again";
  const auto beat = server.state.compose_heartbeat(2);
  server.state.handle(beat, acknowledge(beat), now);
  EXPECT_EQ(server.state.commit_index(), 2U) << "a heartbeat tells that the rest is stored (A10)";
}

// B32: whatever the order of acknowledgements, the commit index is what a majority of the voters'
// disks have, and learners are none of them.
TEST(Replication, CommitsWhatAMajorityOfVotersHas) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::vector<ServerId> voters;
    for (ServerId id = 1; id <= 1 + random.below(7); ++id) voters.push_back(id);
    Server server({.voters = voters, .learners = {20, 21}, .options = Options::plain()});
    const TimePoint now = win_election(server);
    const ChangeNumber before_first = server.state.last_change() - 1;
    for (int i = 0; i < 9; ++i) propose(server);
    std::map<ServerId, LogIndex> stored;
    for (const ServerId id : server.state.peers()) stored[id] = 0;
    stored[1] = 0;
    std::map<ServerId, Outgoing<AppendEntries>> asked;
    for (const ServerId id : server.state.peers()) asked[id] = server.state.compose_entries(id);
    for (int step = 0; step < 40; ++step) {
      auto who = stored.begin();
      std::advance(who, static_cast<std::ptrdiff_t>(random.below(stored.size())));
      const LogIndex reach = random.below(11);
      if (who->first == 1) {
        who->second = std::max(who->second, reach);
        server.state.durable_up_to(before_first + who->second, now);
      } else {
        AppendEntriesReply reply = acknowledge(asked[who->first]);  // some come late
        reply.matched = {.term = reach == 0 ? 0U : 1U, .index = reach};
        server.state.handle(asked[who->first], reply, now);
        who->second = std::max(who->second, reach);
      }
      std::vector<LogIndex> of_voters;
      for (const ServerId voter : voters) of_voters.push_back(stored[voter]);
      std::ranges::sort(of_voters, std::greater<>());
      ASSERT_EQ(server.state.commit_index(), of_voters[voters.size() / 2]) << "seed " << seed;
    }
  }
}

// ---- Finding where the logs meet (A7) ----

// Plays a follower with that log until it has the leader's.
//   Returns    how many messages with entries that took.
std::size_t messages_to_catch_up(const std::vector<Term>& leader, const std::vector<Term>& own) {
  const Term term = std::max(leader.back(), own.empty() ? 0 : own.back());
  Server server({.options = Options::plain(), .hard_state = {.term = term}, .log = leader});
  const TimePoint now = become_leader(server);
  std::vector<Entry> all = entries_of(leader);
  all.push_back(server.state.log().entry(leader.size() + 1));
  Server follower({.id = 2, .options = Options::plain(), .hard_state = {.term = term}, .log = own});
  std::size_t messages = 0;
  while (server.state.may_send_entries(2) && ++messages < 100) {
    const LogIndex next = server.state.progress(2).next();
    const auto rest = all.begin() + static_cast<std::ptrdiff_t>(next - 1);
    const auto asked = server.state.compose_entries(2, std::vector<Entry>(rest, all.end()));
    auto reply = follower.state.handle(asked.message, now);
    server.state.handle(asked, reply->message, now);
    server.state.entries_ended(asked);
  }
  EXPECT_EQ(follower.state.log().last(), server.state.log().last());
  EXPECT_EQ(server.state.progress(2).matched(), leader.size() + 1);
  return messages;
}

TEST(Replication, AShorterLogIsFoundAtOnce) {
  EXPECT_EQ(messages_to_catch_up({1, 1, 1}, {1, 1, 1}), 1U);
  EXPECT_EQ(messages_to_catch_up(std::vector<Term>(500, 1), {}), 2U);
  EXPECT_EQ(messages_to_catch_up(std::vector<Term>(500, 1), std::vector<Term>(100, 1)), 2U);
}

TEST(Replication, ATermThatTheLeaderDoesNotKnowIsSkippedAtOnce) {
  std::vector<Term> own(10, 1);
  own.resize(300, 2);  // of a leader that nobody else heard
  EXPECT_EQ(messages_to_catch_up(std::vector<Term>(300, 1), own), 2U)
      << "the leader looks behind its own last entry of the term before";
  std::vector<Term> leader(10, 1);
  leader.resize(400, 3);
  EXPECT_LE(messages_to_catch_up(leader, own), 3U);
}

TEST(Replication, OneMessagePerTermAtMost) {
  std::vector<Term> leader;
  std::vector<Term> own;
  for (Term term = 1; term <= 20; ++term) {
    leader.insert(leader.end(), 10, 2 * term);
    own.insert(own.end(), 12, 2 * term - 1);
  }
  EXPECT_LE(messages_to_catch_up(leader, own), 22U);
}

TEST(Replication, CatchesUpFromAnyPairOfLogs) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    const auto any_log = [&](std::size_t most, std::vector<Term> log) {
      for (std::size_t left = random.below(most); left > 0; --left) {
        const Term last = log.empty() ? 1 : log.back();
        log.push_back(last + random.below(3));
      }
      return log;
    };
    std::vector<Term> shared = any_log(6, {});
    const std::vector<Term> leader = any_log(10, shared.empty() ? std::vector<Term>{1} : shared);
    // What the two have of the same term and index is the same entry, as in life.
    std::vector<Term> own = shared;
    for (std::size_t left = random.below(8); left > 0; --left) {
      own.push_back((leader.back() + 1) + random.below(2));
      std::ranges::sort(own);
    }
    ASSERT_LE(messages_to_catch_up(leader, own), 12U) << "seed " << seed;
  }
}

// Has a follower refuse a heartbeat with that hint.
//   Returns    where the leader looks next.
LogIndex next_after(Server& server, LogPosition conflict) {
  const auto asked = server.state.compose_heartbeat(2);
  server.state.handle(asked, refuse(asked, conflict), at(1s));
  return server.state.progress(2).next();
}

// A7: behind the last entry of the term that stands there, if this log has one; else where that
// term begins.
TEST(Replication, LooksWhereTheLogsMayMeet) {
  const std::vector<Term> log{1, 1, 1, 3, 3, 3, 5, 5, 5, 5};
  const auto first_look = [&](LogPosition conflict) {
    Server server({.options = Options::plain(), .hard_state = {.term = 5}, .log = log});
    become_leader(server);
    return next_after(server, conflict);
  };
  EXPECT_EQ(first_look({0, 4}), 4U) << "its log is shorter";
  EXPECT_EQ(first_look({3, 5}), 7U) << "its run of term 3 begins later, and is longer";
  EXPECT_EQ(first_look({1, 1}), 4U);
  EXPECT_EQ(first_look({2, 3}), 3U) << "a term that this log does not have";
  EXPECT_EQ(first_look({5, 2}), 10U) << "never at or behind what was refused";
  EXPECT_EQ(first_look({0, 900}), 10U);
  EXPECT_EQ(first_look({0, 0}), 1U);
}

// A9: what was refused before the present probe was sent says nothing of it.
TEST(Replication, ARefusalOfAnEarlierQuestionMovesNothing) {
  Server server({.options = Options::plain(), .hard_state = {.term = 1}, .log = {1, 1, 1, 1, 1}});
  become_leader(server);
  const auto early = server.state.compose_heartbeat(2);
  EXPECT_EQ(next_after(server, {0, 4}), 4U);
  EXPECT_EQ(next_after(server, {0, 2}), 2U);
  server.state.handle(early, refuse(early, {0, 4}), at(1s));
  EXPECT_EQ(server.state.progress(2).next(), 2U);
}

TEST(Replication, WhatIsKnownToMatchIsNotLookedForAgain) {
  Server server({.hard_state = {.term = 1}, .log = {1, 1, 1}});
  const TimePoint now = become_leader(server);
  const auto late = server.state.compose_heartbeat(2);
  replicate(server, 2, now);
  EXPECT_EQ(server.state.progress(2).matched(), 4U);
  server.state.handle(late, refuse(late, {0, 1}), now);
  EXPECT_EQ(server.state.progress(2).next(), 5U) << "an old refusal, overtaken by an acceptance";
  EXPECT_FALSE(server.state.progress(2).probes());
}

// ---- The window ----

Options narrow(std::size_t messages, std::size_t batch_bytes) {
  Options options;
  options.replication.window_messages = messages;
  options.replication.batch_bytes = batch_bytes;
  return options;
}

// A8: an entry that is larger than a batch goes alone, and whole.
TEST(Replication, AnEntryAsLargeAsTheLimitIsSentAlone) {
  Server server({.options = narrow(8, 200)});
  const TimePoint now = become_leader(server);
  replicate(server, 2, now);
  const std::string large(Replication().command_bytes_max, 'x');
  propose(server, "before");
  propose(server, large);
  propose(server, "behind");
  std::vector<std::size_t> sizes;
  while (server.state.may_send_entries(2)) {
    const auto asked = server.state.compose_entries(2);
    ASSERT_FALSE(asked.message.entries.empty());
    sizes.push_back(asked.message.entries.size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(server.state.log().entry(3).data.size(), large.size());
}

// §5.3: until it is known where the logs meet, one at a time; then as many as the window allows.
TEST(Replication, ProbesAndThenFillsTheWindow) {
  Server server({.options = narrow(3, 1)});
  const TimePoint now = become_leader(server);
  for (int i = 0; i < 6; ++i) propose(server);
  const auto probe = server.state.compose_entries(2);
  EXPECT_FALSE(server.state.may_send_entries(2));
  server.state.handle(probe, acknowledge(probe), now);
  server.state.entries_ended(probe);
  std::vector<Outgoing<AppendEntries>> sent;
  while (server.state.may_send_entries(2)) sent.push_back(server.state.compose_entries(2));
  ASSERT_EQ(sent.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(sent[i].message.previous.index, 1 + i);
  EXPECT_TRUE(server.state.may_send_entries(3)) << "one follower's window is not another's";
  // A10: a heartbeat needs no room in it, and is checked behind what was sent before.
  EXPECT_EQ(server.state.compose_heartbeat(2).message.previous, (LogPosition{1, 4}));
  server.state.handle(sent[0], acknowledge(sent[0]), now);
  server.state.entries_ended(sent[0]);
  EXPECT_TRUE(server.state.may_send_entries(2));
}

// The window is one of bytes, too; a single message may be larger.
TEST(Replication, TheWindowIsOfBytesToo) {
  Options options = narrow(32, 1);
  options.replication.window_bytes = 1000;
  Server server({.options = options});
  const TimePoint now = become_leader(server);
  replicate(server, 2, now);
  for (int i = 0; i < 10; ++i) propose(server, std::string(300, 'x'));
  std::size_t sent = 0;
  for (; server.state.may_send_entries(2); ++sent) (void)server.state.compose_entries(2);
  EXPECT_EQ(sent, 3U);
  EXPECT_GE(server.state.progress(2).bytes_in_flight(), 1000U);
}

// A9: a message was lost, and all that came behind it are refused: one is sent again, at once.
TEST(Replication, ManyRefusalsCauseOneResend) {
  Server server({.options = narrow(8, 1)});
  const TimePoint now = become_leader(server);
  replicate(server, 2, now);
  for (int i = 0; i < 8; ++i) propose(server);
  std::vector<Outgoing<AppendEntries>> sent;
  while (server.state.may_send_entries(2)) sent.push_back(server.state.compose_entries(2));
  ASSERT_EQ(sent.size(), 8U);
  server.take_events();
  for (std::size_t i = 1; i < sent.size(); ++i) {  // the first of them never arrived
    EXPECT_FALSE(server.state.may_send_entries(2)) << i;
    const bool is_news = server.state.handle(sent[i], refuse(sent[i], {0, 2}), now);
    EXPECT_EQ(is_news, i == 1);
    server.state.entries_ended(sent[i]);
    EXPECT_EQ(server.state.progress(2).next(), 2U) << i;
    if (i > 1) continue;
    ASSERT_TRUE(server.state.may_send_entries(2));
    EXPECT_EQ(server.state.compose_entries(2).message.previous, (LogPosition{1, 1}));
  }
  server.state.entries_lost(sent[0]);
  server.state.entries_ended(sent[0]);
  EXPECT_FALSE(server.state.may_send_entries(2));
  EXPECT_EQ(server.state.progress(2).messages_in_flight(), 1U);
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{
                "event=missed_append follower=2 conflict_term=0 conflict_index=2"}));
}

// B35: a message was given up, though it had arrived; the follower has it all, nothing is to be
// sent, and nothing is held for on the way. The next entry is sent as if nothing had been.
TEST(Replication, AFollowerThatHasItAllIsNeverStuck) {
  Server server;
  const TimePoint now = become_leader(server);
  replicate(server, 2, now);
  propose(server);
  const auto asked = server.state.compose_entries(2);
  server.state.entries_lost(asked);
  server.state.entries_ended(asked);
  const auto beat = server.state.compose_heartbeat(2);
  EXPECT_EQ(beat.message.previous, (LogPosition{1, 1}));
  server.state.handle(asked, acknowledge(asked), now);  // late
  EXPECT_EQ(server.state.progress(2).matched(), 2U);
  EXPECT_FALSE(server.state.may_send_entries(2)) << "there is nothing to send";
  EXPECT_EQ(server.state.progress(2).messages_in_flight(), 0U);
  EXPECT_EQ(server.state.progress(2).bytes_in_flight(), 0U);
  propose(server);
  ASSERT_TRUE(server.state.may_send_entries(2));
  EXPECT_EQ(server.state.compose_entries(2).message.previous, (LogPosition{1, 2}));
}

// B35: whatever is answered, refused, lost and late in whatever order: what is on the way is what
// has not ended, and when all has, the next that is missing may be sent.
TEST(Replication, WhatIsOnTheWayComesToAnEnd) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    const std::size_t window = 1 + random.below(5);
    Server server({.options = narrow(window, 1 + random.below(400))});
    const TimePoint now = become_leader(server);
    std::vector<Outgoing<AppendEntries>> on_the_way;
    LogIndex has = 0;  // of the leader's log, the follower
    const auto answer = [&](const Outgoing<AppendEntries>& asked) {
      const LogIndex previous = asked.message.previous.index;
      const bool fits = previous <= has;
      if (fits) has = std::max(has, previous + asked.message.entries.size());
      server.state.handle(
          asked, fits ? acknowledge(asked) : refuse(asked, {.term = 0, .index = has + 1}), now);
    };
    for (int step = 0; step < 200; ++step) {
      if (random.chance(0.3)) propose(server);
      if (server.state.may_send_entries(2)) on_the_way.push_back(server.state.compose_entries(2));
      if (on_the_way.empty() || random.chance(0.5)) continue;
      const auto nth = static_cast<std::ptrdiff_t>(random.below(on_the_way.size()));
      const Outgoing<AppendEntries> asked = on_the_way[static_cast<std::size_t>(nth)];
      on_the_way.erase(on_the_way.begin() + nth);
      random.chance(0.2) ? server.state.entries_lost(asked) : answer(asked);
      server.state.entries_ended(asked);
      ASSERT_LE(server.state.progress(2).messages_in_flight(), on_the_way.size());
      ASSERT_LE(server.state.progress(2).matched(), has);
    }
    for (const auto& asked : on_the_way) {
      server.state.entries_lost(asked);
      server.state.entries_ended(asked);
    }
    EXPECT_EQ(server.state.progress(2).bytes_in_flight(), 0U) << "seed " << seed;
    answer(server.state.compose_heartbeat(2));
    const LogIndex next = server.state.progress(2).next();
    EXPECT_EQ(server.state.may_send_entries(2), next <= server.state.log().last().index) << seed;
    EXPECT_LE(next, has + 1) << "nothing is skipped";
  }
}

}  // namespace
}  // namespace coracle::raft
