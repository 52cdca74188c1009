// Sessions of clients, by log time and sequence number: R3, B61.
#include "raft/sessions.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;
using Verdict = Sessions::Verdict;

constexpr SessionId kId = 7;
constexpr std::int64_t kStart = 1'000;

// One session, opened at kStart, that lives for 100 ns without a command.
Sessions opened() {
  Sessions sessions;
  sessions.open(kId, {.idle_max = 100ns}, kStart);
  return sessions;
}

SessionCommand command(std::uint64_t sequence, std::uint64_t lowest_unanswered = 1) {
  return {.session = kId, .sequence = sequence, .lowest_unanswered = lowest_unanswered};
}

Verdict verdict(Sessions& sessions, const SessionCommand& command, std::int64_t time = kStart) {
  return sessions.look(command, time).verdict;
}

// Has one applied, with the text of its number as its result.
Verdict apply(Sessions& sessions, const SessionCommand& command, std::int64_t time = kStart) {
  const Verdict was = verdict(sessions, command, time);
  if (was == Verdict::apply) {
    sessions.answered(command, SharedBytes(std::to_string(command.sequence)));
  }
  return was;
}

// ---- Once ----

// R3, B61
TEST(SessionsOfClients, ACommandIsAppliedOnce) {
  Sessions sessions = opened();
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::apply);
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::pending) << "twice in one batch";
  sessions.answered(command(1), SharedBytes("one"));
  for (int i = 0; i < 3; ++i) {
    const Sessions::Looked looked = sessions.look(command(1), kStart);
    EXPECT_EQ(looked.verdict, Verdict::repeated);
    EXPECT_EQ(looked.result.text(), "one");
  }
  EXPECT_EQ(sessions.results_of(kId), 1U);
}

// R3: an empty result is one, too.
TEST(SessionsOfClients, AnEmptyResultIsKept) {
  Sessions sessions = opened();
  (void)sessions.look(command(1), kStart);
  sessions.answered(command(1), {});
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::repeated);
}

// R3: a window of commands, in whatever order they come.
TEST(SessionsOfClients, CommandsOfAWindowComeInAnyOrder) {
  Sessions sessions = opened();
  for (const std::uint64_t sequence : {3U, 1U, 2U}) {
    EXPECT_EQ(apply(sessions, command(sequence)), Verdict::apply);
  }
  for (const std::uint64_t sequence : {1U, 2U, 3U}) {
    const Sessions::Looked looked = sessions.look(command(sequence), kStart);
    EXPECT_EQ(looked.result.text(), std::to_string(sequence));
  }
}

// R3: sequence numbers are those of a session.
TEST(SessionsOfClients, SessionsAreNotMixedUp) {
  Sessions sessions = opened();
  sessions.open(8, {.idle_max = 100ns}, kStart);
  EXPECT_EQ(apply(sessions, command(1)), Verdict::apply);
  EXPECT_EQ(verdict(sessions, {.session = 8, .sequence = 1}), Verdict::apply);
  EXPECT_EQ(verdict(sessions, {.session = 9, .sequence = 1}), Verdict::expired) << "unknown";
  EXPECT_EQ(verdict(sessions, {.session = 0, .sequence = 1}), Verdict::expired);
  EXPECT_DEATH(sessions.open(8, {.idle_max = 100ns}, kStart), "a session of its own");
}

// ---- What was given up ----

// R3: what is answered is dropped, and is not taken for new when it comes late.
TEST(SessionsOfClients, ResultsBelowTheLowestUnansweredAreDropped) {
  Sessions sessions = opened();
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) apply(sessions, command(sequence));
  EXPECT_EQ(sessions.results_of(kId), 4U);
  EXPECT_EQ(apply(sessions, command(5, 4)), Verdict::apply);
  EXPECT_EQ(sessions.results_of(kId), 2U);
  EXPECT_EQ(verdict(sessions, command(3)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(4)), Verdict::repeated);
  EXPECT_EQ(verdict(sessions, command(3, 1)), Verdict::expired) << "a late copy takes nothing back";
}

// R3: commands that were never seen count as answered if the client says so.
TEST(SessionsOfClients, AGapThatWasGivenUpIsNotNew) {
  Sessions sessions = opened();
  EXPECT_EQ(apply(sessions, command(9, 9)), Verdict::apply);
  EXPECT_EQ(verdict(sessions, command(2)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(5, 10)), Verdict::expired) << "below its own lowest";
}

TEST(SessionsOfClients, SequenceNumbersBeginWith1) {
  Sessions sessions = opened();
  EXPECT_EQ(verdict(sessions, command(0)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(0, 0)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(1, 0)), Verdict::apply);
}

// R3: what one session may cost is bounded.
TEST(SessionsOfClients, TheWindowIsBounded) {
  constexpr std::uint64_t kWindow = Sessions::kWindow;
  Sessions sessions = opened();
  EXPECT_EQ(verdict(sessions, command(kWindow + 1)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(kWindow)), Verdict::apply);
  EXPECT_EQ(verdict(sessions, command(kWindow + 1, 2)), Verdict::apply);
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(verdict(sessions, command(most)), Verdict::expired);
  EXPECT_EQ(verdict(sessions, command(most, most)), Verdict::apply);
  EXPECT_EQ(sessions.results_of(kId), 1U);
}

// R3: and what all of them may.
TEST(SessionsOfClients, OneTooManyEndsTheOneThatWasUsedLeastRecently) {
  Sessions sessions;
  for (SessionId id = 1; id <= Sessions::kMost; ++id) {
    sessions.open(id, {.idle_max = id == 2 ? 1h : 100ns}, kStart);
  }
  EXPECT_TRUE(sessions.keep(1, kStart));
  EXPECT_TRUE(sessions.close(5));
  sessions.open(Sessions::kMost + 1, {.idle_max = 1ns}, kStart);
  EXPECT_EQ(sessions.size(), Sessions::kMost) << "there was room";
  sessions.open(Sessions::kMost + 2, {.idle_max = 100ns}, kStart);
  EXPECT_EQ(sessions.size(), Sessions::kMost);
  EXPECT_FALSE(sessions.keep(2, kStart)) << "however long it would have lived";
  EXPECT_TRUE(sessions.keep(1, kStart));
  EXPECT_TRUE(sessions.keep(Sessions::kMost + 1, kStart));
  sessions.advance(kStart + 101);
  EXPECT_EQ(sessions.size(), 0U);
}

// ---- Time ----

// R3: by log time, and one nanosecond behind its end.
TEST(SessionsOfClients, ExpireWhenTheyWereIdleForTooLong) {
  Sessions sessions = opened();
  sessions.advance(kStart + 100);
  EXPECT_EQ(sessions.size(), 1U);
  sessions.advance(kStart + 101);
  EXPECT_EQ(sessions.size(), 0U);
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::expired) << "and never applied as new";
  EXPECT_FALSE(sessions.keep(kId, kStart));
  EXPECT_FALSE(sessions.close(kId));
  sessions.answered(command(1), {});  // it was applied just before
  EXPECT_EQ(sessions.size(), 0U);
}

// R3: whatever else is done to them, at whatever time; only advance() ends one.
TEST(SessionsOfClients, ExpireByNothingButTheTimeOfEntries) {
  Sessions sessions = opened();
  for (std::uint64_t sequence = 1; sequence <= 3 * Sessions::kWindow; ++sequence) {
    EXPECT_EQ(apply(sessions, command(sequence, sequence)), Verdict::apply);
  }
  sessions.open(8, {.idle_max = 1ns}, kStart);
  sessions.open(9, {.idle_max = 1ns}, kStart + 1'000'000);
  EXPECT_EQ(sessions.size(), 3U);
  sessions.advance(0);  // time that falls is no time
  EXPECT_EQ(sessions.size(), 3U);
}

// R3: commands, repeated ones too, and what says that it is alive.
TEST(SessionsOfClients, LiveAsLongAsTheyAreUsed) {
  Sessions sessions = opened();
  std::int64_t time = kStart;
  const auto still_there = [&] {
    time += 100;
    sessions.advance(time);
    return sessions.size() == 1;
  };
  EXPECT_TRUE(still_there());
  EXPECT_EQ(apply(sessions, command(1), time), Verdict::apply);
  EXPECT_TRUE(still_there());
  EXPECT_EQ(apply(sessions, command(1), time), Verdict::repeated);
  EXPECT_TRUE(still_there());
  EXPECT_TRUE(sessions.keep(kId, time));
  EXPECT_TRUE(still_there());
  sessions.advance(time + 1);
  EXPECT_EQ(sessions.size(), 0U);
}

TEST(SessionsOfClients, EachExpiresAtItsOwnTime) {
  Sessions sessions;
  sessions.open(1, {.idle_max = 300ns}, 0);
  sessions.open(2, {.idle_max = 100ns}, 0);
  sessions.open(3, {.idle_max = 200ns}, 0);
  sessions.advance(250);
  EXPECT_EQ(sessions.size(), 1U);
  EXPECT_TRUE(sessions.keep(1, 250));
  sessions.advance(550);
  EXPECT_EQ(sessions.size(), 1U);
}

TEST(SessionsOfClients, MayLiveForEver) {
  Sessions sessions;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  sessions.open(1, {.idle_max = Duration(most)}, kStart);
  sessions.open(2, {.idle_max = Duration(most)}, -kStart);
  sessions.open(3, {.idle_max = 1ns}, most);
  sessions.advance(most);
  EXPECT_EQ(sessions.size(), 2U) << "the second one's time is up";
  EXPECT_EQ(verdict(sessions, {.session = 1, .sequence = 1}, most), Verdict::apply);
}

// R3
TEST(SessionsOfClients, AClosedOneIsGone) {
  Sessions sessions = opened();
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::apply);
  EXPECT_TRUE(sessions.close(kId));
  sessions.answered(command(1), SharedBytes("late"));  // closed behind it, in the same batch
  EXPECT_EQ(sessions.size(), 0U);
  EXPECT_EQ(sessions.results_of(kId), 0U);
  EXPECT_EQ(verdict(sessions, command(1)), Verdict::expired);
  EXPECT_FALSE(sessions.close(kId));
  sessions.advance(kStart + 1000);  // and its time does not come any more
}

// ---- Bytes ----

std::vector<std::byte> any_bytes(std::size_t size) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<std::byte>(*rc::gen::inRange<int>(0, 256)));
  }
  return bytes;
}

RC_GTEST_PROP(SessionBytes, ChangesComeBackAsTheyWere, ()) {
  const auto number = *rc::gen::arbitrary<std::uint64_t>();
  const auto idle_max =
      Duration(*rc::gen::inRange<std::int64_t>(1, std::numeric_limits<std::int64_t>::max()));
  const auto open = decode_change(encode(OpenSession{.idle_max = idle_max}));
  RC_ASSERT(open && std::get<OpenSession>(*open).idle_max == idle_max);
  const auto keep = decode_change(encode(KeepSession{.session = number}));
  RC_ASSERT(keep && std::get<KeepSession>(*keep).session == number);
  const auto close = decode_change(encode(CloseSession{.session = number}));
  RC_ASSERT(close && std::get<CloseSession>(*close).session == number);
}

RC_GTEST_PROP(SessionBytes, CommandsComeBackAsTheyWere, ()) {
  const SessionCommand command{.session = *rc::gen::arbitrary<std::uint64_t>(),
                               .sequence = *rc::gen::arbitrary<std::uint64_t>(),
                               .lowest_unanswered = *rc::gen::arbitrary<std::uint64_t>()};
  const auto data = any_bytes(*rc::gen::inRange<std::size_t>(0, 9));
  const SharedBytes bytes = encode(command, data);
  RC_ASSERT(decode_command(bytes) == command);
  RC_ASSERT(SharedBytes(bytes.view().subspan(kSessionCommandBytes)) == SharedBytes(data));
  RC_ASSERT(!decode_command(bytes.view().first(kSessionCommandBytes - 1)));
}

// Whatever the bytes are: nothing, or what would be written as these bytes.
RC_GTEST_PROP(SessionBytes, ArbitraryOnesAreReadOrNot, ()) {
  std::vector<std::byte> bytes = any_bytes(*rc::gen::inRange<std::size_t>(0, 20));
  if (bytes.size() >= 16 && *rc::gen::arbitrary<bool>()) {
    bytes.resize(16);
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = std::byte{0};
    bytes[0] = static_cast<std::byte>(*rc::gen::inRange<int>(0, 5));
  }
  const auto change = decode_change(bytes);
  if (change) RC_ASSERT(encode(*change) == SharedBytes(bytes));
  RC_ASSERT(decode_command(bytes).has_value() == (bytes.size() >= kSessionCommandBytes));
}

TEST(SessionBytesByHand, WhatNoServerWritesIsNotRead) {
  EXPECT_FALSE(decode_change({}));
  EXPECT_FALSE(decode_change(encode(OpenSession{.idle_max = 0ns}))) << "it would never live";
  EXPECT_FALSE(decode_change(encode(OpenSession{.idle_max = -1ns})));
  std::vector<std::byte> bytes(16);
  bytes[0] = std::byte{3};
  EXPECT_FALSE(decode_change(bytes)) << "a change of a later version";
  bytes[0] = std::byte{1};
  EXPECT_TRUE(decode_change(bytes));
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode_change(bytes));
  EXPECT_FALSE(decode_command({}));
}

}  // namespace
}  // namespace coracle::raft
