// What is said of scripts that are wrong, and of those that do not hold.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "raft/sim/narrator.h"
#include "raft/sim/scenario.h"

namespace coracle::raft::sim {
namespace {

std::string error_of(std::string_view text) {
  try {
    const Scenario scenario("a.txt", text);
    return "no error";
  } catch (const ScriptError& error) {
    return error.what();
  }
}

std::string failure_of(std::string_view text) {
  const Scenario scenario("a.txt", text);
  Play play(nullptr);
  const Scenario::Outcome outcome = scenario.run(play);
  EXPECT_EQ(outcome.passed, outcome.failure.empty());
  return outcome.failure;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(Script, SaysWhereAnUnknownWordStandsAndWhatIsAllowed) {
  const std::string error = error_of("cluster 3\n\nrun 1s  # fine\nexplode 1\n");
  EXPECT_TRUE(contains(error, "a.txt:4: ")) << error;
  EXPECT_TRUE(contains(error, "there is no word `explode`")) << error;
  EXPECT_TRUE(contains(error, "partition A | B,C")) << error;
}

TEST(Script, SaysWhatIsWrongWithALine) {
  EXPECT_TRUE(contains(error_of("run 1s\n"), "the first line is `cluster N`"));
  EXPECT_TRUE(contains(error_of(""), "begins with `cluster N`"));
  EXPECT_TRUE(contains(error_of("cluster 0\n"), "1 to 15 servers"));
  EXPECT_TRUE(contains(error_of("cluster 3 names=A,B\n"), "each server has a name"));
  EXPECT_TRUE(contains(error_of("cluster 3 timeout=60-90ms\n"), "at most half the shortest"));
  EXPECT_TRUE(contains(error_of("cluster 3\nrun 1x\n"), "no duration such as 10s"));
  EXPECT_TRUE(contains(error_of("cluster 3\nrun 1s 2s\n"), "`2s` is not expected here"));
  EXPECT_TRUE(contains(error_of("cluster 3\ncrash 4\n"), "`4` is no server; there are 1, 2, 3"));
  EXPECT_TRUE(contains(error_of("cluster 3\nexpect on 1: mood=good\n"), "role term vote leader"));
  EXPECT_TRUE(contains(error_of("cluster 3\nexpect on 1: role>leader\n"), "with = only"));
  EXPECT_TRUE(contains(error_of("cluster 3\nexpect event sneezed\n"), "granted_vote"));
  EXPECT_TRUE(contains(error_of("cluster 3\nrun until leader 1\n"), "within how long?"));
  EXPECT_TRUE(contains(error_of("cluster 3\ndrop next letter 1 -> 2\n"), "request_vote"));
  EXPECT_TRUE(contains(error_of("cluster 3\nlog 1 2,1\n"), "never fall"));
  EXPECT_TRUE(contains(error_of("cluster 3\ncluster 3\n"), "one cluster"));
}

TEST(Script, IsHeldToWhatItExpects) {
  EXPECT_EQ(failure_of("cluster 3\nelect 1\nexpect leader 1\nexpect one leader\n"), "");
  const std::string failure = failure_of("cluster 3\nelect 1\nexpect leader 2\n");
  EXPECT_TRUE(contains(failure, "a.txt:3: expected leader 2")) << failure;
  EXPECT_TRUE(contains(failure, "found: 1 role=leader")) << failure;
}

// Each expectation holds in one form, and fails in the other.
TEST(Script, CanFailAtEachExpectation) {
  for (const std::string_view wrong : {"on 1: role=follower",
                                       "on 1: term>1",
                                       "on 1,2: leader=2",
                                       "on 1: vote=none",
                                       "durable on 1: vote=2",
                                       "no leader",
                                       "no leader among 1,2",
                                       "leader among 2,3",
                                       "agreed on 1,2,3",
                                       "up 3",
                                       "down 1",
                                       "event became_leader on 2",
                                       "event became_leader times=2",
                                       "no event became_leader",
                                       "event became_leader on 1 term=2",
                                       "event heard_leader on 2 leader=3",
                                       "event became_leader after=9s",
                                       "no message append_entries 1 -> 2",
                                       "message append_entries 2 -> 1",
                                       "message append_entries 1 -> 2 times>1000",
                                       "message append_entries 1 -> 2 at=lost",
                                       "message append_entries_reply 2 -> 1 granted=no"}) {
    const std::string script =
        "cluster 3\nstart 1,2\nelect 1\nrun 100ms\nexpect " + std::string(wrong) + "\n";
    EXPECT_TRUE(contains(failure_of(script), "a.txt:5: expected " + std::string(wrong))) << wrong;
  }
}

TEST(Script, FailsForAConditionThatNeverHolds) {
  EXPECT_TRUE(contains(failure_of("cluster 3\nstart 1\nrun until leader 1 within 3s\n"),
                       "a.txt:3: expected leader 1 within 3s"));
}

TEST(Script, FailsForAFaultThatNoMessageMet) {
  EXPECT_TRUE(contains(failure_of("cluster 3\ndrop next timeout_now 1 -> 2\nrun 1s\n"),
                       "no message came that this was planned for: timeout_now 1 -> 2"));
}

TEST(Script, SaysWhatCannotBeDone) {
  EXPECT_TRUE(contains(failure_of("cluster 3\nrun 1s\nrestart 1\n"), "1 still runs"));
  EXPECT_TRUE(contains(failure_of("cluster 3\nrun 1s\nlog 1 1,2\n"), "do not run"));
  EXPECT_TRUE(
      contains(failure_of("cluster 3\nstart 1\nsend pre_vote 1 -> 2 term=1\n"), "2 is not up"));
}

TEST(Narrator, TellsAnElectionAsAStory) {
  const Scenario scenario("a.txt",
                          "cluster 3 plain names=A,B,C\ntimeouts A 202ms\ntimeouts B 293ms\n"
                          "timeouts C 282ms\nrun until leader A within 1s\n");
  std::string story;
  Narrator narrator([&](std::string_view sentence) { story.append(sentence).append("\n"); });
  Play play(&narrator);
  narrator.follow(play);
  EXPECT_TRUE(scenario.run(play).passed);
  for (const std::string_view sentence :
       {"A starts as a follower of term 0. It waits for a leader for 202 ms.",
        "A's timeout of 202 ms ran out: A enters term 1, votes for itself, and asks B and C.",
        "B votes for A in term 1, and starts its own timer over.",
        "A has a majority, and leads term 1."}) {
    EXPECT_TRUE(contains(story, sentence)) << story;
  }
}

// What a client asks for, where it goes, when it is committed, and what the client is told.
TEST(Narrator, TellsWhatBecomesOfCommands) {
  const Scenario scenario(
      "a.txt",
      "cluster 3 names=A,B,C\nelect A\nrun until on all: commit=1 within 1s\n"
      "session A for 2s as S\nrun until answer S is=done within 1s\n"
      "propose A x=1 session=S number=1\nrun 100ms\npropose A x+=2 times=3\nrun 100ms\n"
      "read B x\nrun 100ms\nread B y\npropose C x=3\nrun 3s\n"
      "propose A x=4 session=S number=2\nrun 100ms\nisolate A\npropose A x=5\nrun 3s\n");
  std::string story;
  Narrator narrator([&](std::string_view sentence) { story.append(sentence).append("\n"); });
  Play play(&narrator);
  narrator.follow(play);
  EXPECT_TRUE(scenario.run(play).passed);
  narrator.settle();
  for (const std::string_view sentence :
       {"A client asks A: open a session that ends when it is idle for 2s.",
        "A answers the client: session 2 is open.",
        "A client asks A: put x = 1 (command 1 of session 2).", "A sends B entry 3.",
        "B has stored all that A has up to entry 3, and says so.",
        "A majority has stored entry 3: A commits it.",
        "A answers the client: done; x was absent before.", "B learns that entry 3 is committed.",
        "A client asks A: append 2 to x.\n             (The same 2 times more.)\n",
        "A majority has stored entries 4 to 6: A commits them.",
        "A answers the client: done; x was 122 before.", "A client asks B: read x.",
        "B answers the client: x is 1222.", "B answers the client: y is absent.",
        "C does nothing, and sends the client to A.",
        "A tells the client that its session has expired; it does not put x = 4 (command 2 of "
        "session 2).",
        "A tells the client that nobody knows what becomes of: put x = 5."}) {
    EXPECT_TRUE(contains(story, sentence)) << sentence << "\n" << story;
  }
  // In the order in which it happens.
  const std::size_t asked = story.find("put x = 1");
  const std::size_t stored = story.find("B has stored all that A has up to entry 3");
  const std::size_t committed = story.find("A majority has stored entry 3");
  const std::size_t done = story.find("done; x was absent before");
  const std::size_t learned = story.find("B learns that entry 3 is committed");
  EXPECT_LT(asked, stored) << story;
  EXPECT_LT(committed, done) << story;
  EXPECT_LT(done, learned) << story;
}

}  // namespace
}  // namespace coracle::raft::sim
