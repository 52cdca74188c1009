// What a leader knows of one follower's log: A7, A9, B35.
#include "raft/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace coracle::raft {
namespace {

constexpr LogIndex kLast = 1000;  // of the leader's log

Replication window(std::size_t messages, std::size_t bytes = 1'000'000) {
  Replication limits;
  limits.window_messages = messages;
  limits.window_bytes = bytes;
  return limits;
}

// A follower of which is known that it has the log up to `matched`.
Progress replicating(LogIndex matched) {
  Progress progress;
  progress.begin(matched + 1);
  progress.sent(1, 0, 0);
  progress.accept(matched, 0, matched);
  progress.ended(1, 0);
  return progress;
}

// (Raft Figure 2: nextIndex starts behind the leader's log, matchIndex at 0.)
TEST(ProgressOfAFollower, BeginsWithNothingKnown) {
  const Progress never;
  EXPECT_EQ(never.next(), 1U);
  EXPECT_TRUE(never.probes());
  Progress progress = replicating(40);
  progress.sent(2, 5, 100);
  progress.begin(91);  // what was on the way is of a leadership that is over
  EXPECT_EQ(progress.next(), 91U);
  EXPECT_EQ(progress.matched(), 0U);
  EXPECT_TRUE(progress.probes());
  EXPECT_EQ(progress.messages_in_flight(), 0U);
  EXPECT_EQ(progress.bytes_in_flight(), 0U);
}

TEST(ProgressOfAFollower, ProbesWithOneMessageAtATime) {
  Progress progress;
  progress.begin(11);
  EXPECT_FALSE(progress.may_send(10, window(8))) << "there is nothing to send";
  EXPECT_TRUE(progress.may_send(11, window(8)));
  progress.sent(1, 1, 100);
  EXPECT_EQ(progress.next(), 11U) << "not before it is known where the logs meet";
  EXPECT_FALSE(progress.may_send(kLast, window(8)));
  progress.ended(1, 100);
  EXPECT_TRUE(progress.may_send(kLast, window(8))) << "no news: the same again";
}

TEST(ProgressOfAFollower, ReplicatesOnceTheLogsMeet) {
  Progress progress;
  progress.begin(11);
  progress.sent(1, 5, 100);
  EXPECT_TRUE(progress.accept(10, 5, 15));
  progress.ended(1, 100);
  EXPECT_FALSE(progress.probes());
  EXPECT_EQ(progress.matched(), 15U);
  EXPECT_EQ(progress.next(), 16U);
  progress.sent(2, 10, 100);
  EXPECT_EQ(progress.next(), 26U);
  EXPECT_TRUE(progress.may_send(kLast, window(8))) << "without waiting for the answer";
}

// A1, A10: a heartbeat finds it out as well, and its answer names what is durable now.
TEST(ProgressOfAFollower, LearnsFromHeartbeats) {
  Progress progress;
  progress.begin(11);
  EXPECT_TRUE(progress.accept(10, 0, 7)) << "the rest of the ten is on its way to the disk";
  EXPECT_FALSE(progress.probes());
  EXPECT_EQ(progress.matched(), 7U);
  EXPECT_EQ(progress.next(), 11U);
  EXPECT_TRUE(progress.accept(10, 0, 10));
  EXPECT_FALSE(progress.accept(10, 0, 10)) << "known";
  EXPECT_FALSE(progress.accept(10, 0, 7)) << "old news";
  EXPECT_EQ(progress.matched(), 10U);
}

// A heartbeat that finds out where the logs meet leaves the probe on its way; what is behind it is
// what the next heartbeat asks for, and if the probe was lost, that is refused.
TEST(ProgressOfAFollower, AProbeOnItsWayIsNotSentTwice) {
  Progress progress;
  progress.begin(11);
  progress.sent(1, 3, 100);
  progress.accept(10, 0, 10);
  EXPECT_FALSE(progress.probes());
  EXPECT_EQ(progress.next(), 14U);
  EXPECT_TRUE(progress.refuse(13, 11)) << "it was lost";
  EXPECT_EQ(progress.next(), 11U);
  EXPECT_TRUE(progress.may_send(13, window(1)));
}

TEST(ProgressOfAFollower, TheWindowIsOneOfMessages) {
  Progress progress = replicating(10);
  for (RequestId request = 2; request < 5; ++request) {
    EXPECT_TRUE(progress.may_send(kLast, window(3)));
    progress.sent(request, 2, 10);
  }
  EXPECT_EQ(progress.messages_in_flight(), 3U);
  EXPECT_FALSE(progress.may_send(kLast, window(3)));
  progress.ended(2, 10);
  EXPECT_TRUE(progress.may_send(kLast, window(3)));
}

// One more message goes as long as the bytes before it leave any room: a batch that is larger than
// the window is sent, too.
TEST(ProgressOfAFollower, TheWindowIsOneOfBytes) {
  Progress progress = replicating(10);
  EXPECT_TRUE(progress.may_send(kLast, window(8, 1)));
  progress.sent(2, 2, 99);
  EXPECT_TRUE(progress.may_send(kLast, window(8, 100)));
  progress.sent(3, 2, 1);
  EXPECT_EQ(progress.bytes_in_flight(), 100U);
  EXPECT_FALSE(progress.may_send(kLast, window(8, 100)));
  progress.ended(3, 1);
  EXPECT_TRUE(progress.may_send(kLast, window(8, 100)));
}

TEST(ProgressOfAFollower, ARefusalEndsReplication) {
  Progress progress = replicating(10);
  progress.sent(2, 10, 100);
  EXPECT_TRUE(progress.refuse(10 + 10, 15)) << "a heartbeat behind them, and they are not there";
  EXPECT_TRUE(progress.probes());
  EXPECT_EQ(progress.next(), 15U);
  EXPECT_TRUE(progress.may_send(kLast, window(8))) << "they came before it, if at all";
  progress.sent(3, 1, 10);
  progress.ended(2, 100);
  EXPECT_EQ(progress.messages_in_flight(), 1U) << "what was lost counts no more";
}

// A9: a follower that lost what eight messages were built on refuses them all.
TEST(ProgressOfAFollower, ManyRefusalsCauseOneResend) {
  Progress progress = replicating(10);
  std::vector<LogIndex> previous;
  for (RequestId request = 2; request < 10; ++request) {
    previous.push_back(progress.next() - 1);
    progress.sent(request, 5, 100);
  }
  // The first of them was lost: so its successors all miss what it held.
  EXPECT_TRUE(progress.refuse(previous[1], 11));
  EXPECT_TRUE(progress.may_send(kLast, window(8)));
  progress.sent(10, 5, 100);
  for (std::size_t i = 2; i < previous.size(); ++i) {
    EXPECT_FALSE(progress.refuse(previous[i], 11));
    progress.ended(2 + i, 100);
    EXPECT_EQ(progress.next(), 11U);
    EXPECT_FALSE(progress.may_send(kLast, window(8))) << "one resend";
  }
  progress.lost(2);
  progress.ended(2, 100);
  EXPECT_EQ(progress.messages_in_flight(), 1U);
  EXPECT_TRUE(progress.accept(10, 5, 15));
  EXPECT_TRUE(progress.may_send(kLast, window(8)));
}

// A9: while it probes, only the answer to the present probe counts.
TEST(ProgressOfAFollower, RefusalsThatAreOldNewsChangeNothing) {
  Progress progress;
  progress.begin(101);
  EXPECT_TRUE(progress.refuse(100, 51));
  EXPECT_FALSE(progress.refuse(100, 71)) << "the same refusal, late or twice";
  EXPECT_EQ(progress.next(), 51U);
  EXPECT_TRUE(progress.refuse(50, 31));
  EXPECT_FALSE(progress.refuse(50, 1));
  EXPECT_EQ(progress.next(), 31U);
  progress.accept(30, 20, 50);
  EXPECT_FALSE(progress.refuse(50, 31)) << "what is known to match was there";
  EXPECT_FALSE(progress.refuse(0, 1)) << "the beginning is in every log";
  EXPECT_FALSE(progress.probes());
  EXPECT_EQ(progress.next(), 51U);
}

// A9: a late refusal of what was sent before the logs were found to meet does not begin the search
// again, and further up.
TEST(ProgressOfAFollower, RefusalsFromBeforeTheLogsMetChangeNothing) {
  Progress progress;
  progress.begin(101);
  EXPECT_TRUE(progress.refuse(100, 51));
  EXPECT_TRUE(progress.refuse(50, 1));
  EXPECT_FALSE(progress.accept(0, 0, 0)) << "a heartbeat: they meet at the beginning";
  EXPECT_FALSE(progress.refuse(100, 51));
  EXPECT_FALSE(progress.probes());
  EXPECT_EQ(progress.next(), 1U);
}

// A7: whatever a follower says, the search goes down, and never below what is known to match.
TEST(ProgressOfAFollower, LooksBetweenWhatMatchesAndWhatWasRefused) {
  Progress progress = replicating(10);
  progress.sent(2, 20, 100);
  EXPECT_TRUE(progress.refuse(30, 3));
  EXPECT_EQ(progress.next(), 11U);
  progress = replicating(10);
  progress.sent(2, 20, 100);
  EXPECT_TRUE(progress.refuse(30, 500));
  EXPECT_EQ(progress.next(), 30U) << "at most one entry back";
}

// And not before it answers something: a server that is gone gets heartbeats only.
TEST(ProgressOfAFollower, WhatWasLostIsSentAgainFromWhatIsKnown) {
  Progress progress = replicating(10);
  progress.sent(2, 5, 100);
  progress.sent(3, 5, 100);
  progress.accept(10, 5, 15);
  progress.ended(2, 100);
  progress.lost(3);
  progress.ended(3, 100);
  EXPECT_TRUE(progress.probes());
  EXPECT_EQ(progress.next(), 16U);
  EXPECT_FALSE(progress.may_send(kLast, window(1)));
  progress.accept(15, 0, 15);
  EXPECT_TRUE(progress.may_send(kLast, window(1)));
}

// A probe that is lost says nothing of where the logs meet: a follower that does not answer for a
// while after an election is not sent the whole log.
TEST(ProgressOfAFollower, ALostProbeIsSentAgain) {
  Progress progress;
  progress.begin(1001);
  progress.sent(1, 1, 100);
  progress.lost(1);
  progress.ended(1, 100);
  EXPECT_TRUE(progress.probes());
  EXPECT_EQ(progress.next(), 1001U);
  EXPECT_FALSE(progress.may_send(kLast + 1, window(1)));
  EXPECT_TRUE(progress.refuse(1000, 901));
  EXPECT_TRUE(progress.may_send(kLast + 1, window(1)));
  progress.sent(2, 1, 100);
  progress.lost(2);
  EXPECT_EQ(progress.next(), 901U);
}

// B35: caught up while it probes or while its window is full, it gets what comes next; also where
// the answers themselves were lost.
TEST(ProgressOfAFollower, IsNotForgottenWhenItHasCaughtUp) {
  Progress probing;
  probing.begin(11);
  probing.sent(1, 1, 100);
  probing.accept(10, 1, 11);
  EXPECT_FALSE(probing.may_send(11, window(1)));
  EXPECT_TRUE(probing.may_send(12, window(1)));
  probing.ended(1, 100);
  EXPECT_TRUE(probing.may_send(12, window(1)));

  Progress unanswered = replicating(10);
  unanswered.sent(2, 1, 100);
  EXPECT_FALSE(unanswered.may_send(12, window(1)));
  unanswered.accept(11, 0, 11);  // a heartbeat
  EXPECT_TRUE(unanswered.may_send(12, window(1)));
  unanswered.lost(2);
  unanswered.ended(2, 100);
  EXPECT_FALSE(unanswered.probes()) << "it had it";
  EXPECT_EQ(unanswered.bytes_in_flight(), 0U);
}

TEST(ProgressOfAFollower, RefusesWhatCannotBe) {
  Progress progress = replicating(10);
  EXPECT_DEATH(progress.ended(2, 0), "what ends was on the way");
  EXPECT_DEATH(progress.sent(1, 1, 10), "requests are numbered");
  progress.sent(2, 1, 10);
  EXPECT_DEATH(progress.ended(2, 11), "what ends was on the way");
  EXPECT_DEATH(progress.accept(10, 1, 12), "no more matches than was compared");
}

}  // namespace
}  // namespace coracle::raft
