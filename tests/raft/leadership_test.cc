// What a leader does first, and how a leadership ends: L1, L4 to L6, R3, R4.
#include <gtest/gtest.h>

#include <functional>

#include "raft/proposal_errors.h"
#include "runtime/run.h"
#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

Options without_quorum_check() {
  Options options;
  options.check_quorum = false;
  return options;
}

// ---- Its first act ----

// L1
TEST(Leadership, BeginsWithAnEntryOfItsOwnTerm) {
  Server server({.learners = {4}, .hard_state = {.term = 2}, .log = {1, 2}});
  win_election(server);
  EXPECT_EQ(server.state.log().last(), (LogPosition{3, 3}));
  const Entry first{.term = 3, .kind = EntryKind::no_op, .log_time = kWallTime, .data = {}};
  EXPECT_EQ(server.state.log().entry(3), first);
  const std::vector<Change> changes = server.state.take_changes();
  EXPECT_EQ(changes.back().what, decltype(Change::what)(AppendedEntry{.index = 3, .entry = first}));
  for (const ServerId follower : {2U, 3U, 4U}) {
    ASSERT_TRUE(server.state.may_send_entries(follower)) << "at once, also before it is on disk";
    const auto asked = server.state.compose_entries(follower);
    EXPECT_EQ(asked.message.previous, (LogPosition{2, 2}));
    EXPECT_EQ(asked.message.entries, std::vector<Entry>{first});
    EXPECT_TRUE(server.state.is_durable(asked.after)) << "it waits for nothing of the own disk";
  }
}

// R3: the stamp is the leader's clock, and never falls, whatever the clocks of leaders say.
TEST(Leadership, StampsOfEntriesNeverFall) {
  Server server({.hard_state = {.term = 1}});
  AppendEntries request = append_request(2, 1, {}, {1});
  request.entries.front().log_time = kWallTime + 500;
  (void)server.state.handle(request, at(1ms));
  server.sync(at(1ms));
  const TimePoint now = become_leader(server);
  EXPECT_EQ(server.state.log().entry(2).log_time, kWallTime + 500) << "its own clock is behind";
  const auto stamp = [&](std::int64_t clock) {
    const LogPosition end = server.state.append(EntryKind::command, {}, now, kWallTime + clock);
    return server.state.log().entry(end.index).log_time - kWallTime;
  };
  EXPECT_EQ(stamp(700), 700);
  EXPECT_EQ(stamp(-900), 700);
  EXPECT_EQ(stamp(701), 701);
}

// R3: nor over a restart, where the entries are on disk only.
TEST(Leadership, StampsDoNotFallOverARestart) {
  TermRuns terms;
  terms.append(1);
  Recovered found{.hard_state = {.term = 1}, .change = 4, .log = Log(terms, kWallTime + 800)};
  Random random(1);
  State state(Identity{.cluster = kCluster, .self = 1, .incarnation = life(1)}, Options::plain(),
              Configuration({1}), std::move(found), random, {}, at({}));
  state.timeout(at({}));
  state.durable_up_to(state.last_change(), at({}));
  state.become_leader(at({}), kWallTime);
  EXPECT_EQ(state.log().entry(2).log_time, kWallTime + 800);
}

// ---- Its end ----

struct WaysToEnd {
  std::string name;
  std::function<void(State&, TimePoint)> end;
};

std::vector<WaysToEnd> ways_to_end() {
  return {
      {"a later term in a reply",
       [](State& state, TimePoint now) {
         const auto asked = state.compose_heartbeat(2);
         AppendEntriesReply later = acknowledge(asked);
         later.success = false;
         later.term = 7;
         state.handle(asked, later, now);
       }},
      {"a later leader",
       [](State& state, TimePoint now) { (void)state.handle(heartbeat(2, 7), now); }},
      {"a vote for another",
       [](State& state, TimePoint now) {
         RequestVote request = vote_request(3, 7, {9, 9});
         request.leadership_transfer = true;
         (void)state.handle(request, now);
       }},
      {"a later term of one who reads",
       [](State& state, TimePoint now) {
         (void)state.handle(ReadIndex{.header = from(2), .term = 7}, now);
       }},
      {"no majority", [](State& state, TimePoint now) { state.check_leadership(now + 300ms); }}};
}

// Returns what whoever waits for it is told.
std::string what_became_of(Proposal& proposal) {
  std::string told;
  run([&]() -> Task<> {
    try {
      const SharedBytes result = co_await proposal.result.wait();
      told = "result";
    } catch (const OutcomeUnknown&) {
      told = "outcome unknown";
    } catch (const Error& error) {
      told = error.what();
    }
  }());
  return told;
}

// L4, R4: in the very call that steps down, not when something is unwound later; and nobody is told
// that it failed, because a later leader may commit it.
TEST(Leadership, ItsEndEndsItsProposals) {
  for (const WaysToEnd& way : ways_to_end()) {
    Server server;
    const TimePoint now = become_leader(server);
    Proposal first;
    Proposal second;
    for (Proposal* proposal : {&first, &second}) {
      const LogPosition end = server.state.append(EntryKind::command, SharedBytes("x"), now, 0);
      server.state.proposals().add(end.index, 1, *proposal);
    }
    server.sync(now);
    EXPECT_EQ(server.state.proposals().bytes(), 2U);
    way.end(server.state, now);
    EXPECT_EQ(server.state.role(), Role::follower) << way.name;
    EXPECT_EQ(server.state.proposals().bytes(), 0U) << way.name;
    ASSERT_TRUE(first.result.decided()) << way.name;
    ASSERT_TRUE(second.result.decided()) << way.name;
    EXPECT_EQ(what_became_of(first), "outcome unknown") << way.name;
  }
}

// L4: and with it end the answers to what was asked in it; the log stays as it is.
TEST(Leadership, AfterItsEndOldAnswersMoveNothing) {
  Server server;
  const TimePoint now = become_leader(server);
  const auto asked = server.state.compose_entries(2);
  (void)server.state.handle(heartbeat(3, 2), now + 1ms);
  server.state.handle(asked, acknowledge(asked), now + 2ms);
  server.state.entries_lost(asked);
  server.state.entries_ended(asked);
  EXPECT_EQ(server.state.commit_index(), 0U);
  EXPECT_EQ(server.state.log().last(), (LogPosition{1, 1}));
  EXPECT_FALSE(server.state.may_send_entries(2));
}

// L4: who leads again begins anew: what was on the way in the former leadership is of no account.
TEST(Leadership, BeginsAnewWithEachElection) {
  Server server({.options = Options::plain()});
  const TimePoint first = become_leader(server);
  const auto old = server.state.compose_entries(2);
  server.state.handle(old, acknowledge(old), first);
  const auto unanswered = server.state.compose_entries(3);
  (void)server.state.handle(heartbeat(3, 2), first + 1ms);
  become_leader(server);  // of term 3
  EXPECT_EQ(server.state.progress(2).matched(), 0U);
  EXPECT_EQ(server.state.progress(3).bytes_in_flight(), 0U);
  server.state.entries_ended(unanswered);
  EXPECT_EQ(server.state.progress(3).messages_in_flight(), 0U);
  EXPECT_EQ(server.state.progress(3).next(), 2U) << "behind what it had when it was elected";
}

// ---- The own disk ----

// All followers answer, so that only the disk can be missed.
void hear_all(Server& server, TimePoint now) {
  for (const ServerId peer : server.state.voting_peers()) {
    const auto asked = server.state.compose_heartbeat(peer);
    server.state.handle(asked, acknowledge(asked), now);
  }
}

// L6: one longest timeout with something to store and nothing stored, to the nanosecond.
TEST(Leadership, EndsWhenTheOwnDiskStoresNothing) {
  Server server;
  const TimePoint elected = win_election(server);  // its first entry is on the way to the disk
  hear_all(server, elected + 290ms);
  server.state.append(EntryKind::command, {}, elected + 295ms, kWallTime);
  EXPECT_EQ(server.state.leader_deadline(), elected + 300ms) << "more to store is no progress";
  server.state.check_leadership(elected + 300ms - 1ns);
  EXPECT_EQ(server.state.role(), Role::leader);
  server.state.check_leadership(elected + 300ms);
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.term(), 1U);
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=stepped_down reason=stalled_disk"}));
}

// L6: a disk that is slow, and goes on, is none that is stalled: however much waits for it.
TEST(Leadership, GoesOnWhileTheOwnDiskDoes) {
  Server server;
  const TimePoint elected = win_election(server);
  TimePoint now = elected;
  server.state.append(EntryKind::command, {}, now, kWallTime);
  for (int round = 0; round < 10; ++round) {
    const ChangeNumber next = server.state.last_change() - 1;  // there is always one behind
    server.state.append(EntryKind::command, {}, now, kWallTime);
    now += 299ms;
    hear_all(server, now);
    server.state.check_leadership(now);
    ASSERT_EQ(server.state.role(), Role::leader) << "round " << round;
    server.state.durable_up_to(next, now);
    EXPECT_EQ(server.state.leader_deadline(), now + 300ms);
  }
  server.sync(now);
  hear_all(server, now + 250ms);
  EXPECT_EQ(server.state.leader_deadline(), now + 550ms) << "all is stored: only the majority's";
  hear_all(server, now + 1h);
  server.state.append(EntryKind::command, {}, now + 1h, kWallTime);
  EXPECT_EQ(server.state.leader_deadline(), now + 1h + 300ms) << "an idle hour was no stall";
}

// L5, L6: where the quorum check is off, neither is asked for.
TEST(Leadership, EndsByItselfOnlyWhereThatIsAskedFor) {
  for (const Options& options : {without_quorum_check(), Options::plain()}) {
    Server server({.options = options});
    const TimePoint elected = win_election(server);
    EXPECT_EQ(server.state.leader_deadline(), kNever);
    server.state.check_leadership(elected + 1h);
    EXPECT_EQ(server.state.role(), Role::leader);
  }
}

}  // namespace
}  // namespace coracle::raft
