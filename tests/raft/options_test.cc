// Options and configurations: C6, C7, V15, and the facts a server starts from.
#include "raft/options.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_trivially_destructible_v<Options>, "so that it may be awaited with");

Options with(Duration heartbeat, Duration min, Duration max) {
  Options options;
  options.timing = {.heartbeat = heartbeat, .timeout_min = min, .timeout_max = max};
  return options;
}

// C6
TEST(OptionsOfACluster, TimesMustFitTogether) {
  EXPECT_EQ(validate({}), "");
  EXPECT_EQ(validate(Options::plain()), "");
  EXPECT_EQ(validate(with(75ms, 150ms, 150ms)), "") << "equal is allowed, and half is";
  EXPECT_EQ(validate(with(75ms + 1ns, 150ms, 300ms)),
            "the heartbeat interval (75.000001 ms) must be at most half the shortest election "
            "timeout (150 ms), else one lost heartbeat elects a new leader");
  EXPECT_EQ(validate(with(50ms, 300ms, 150ms)),
            "the shortest election timeout (300 ms) must not exceed the longest (150 ms)");
  EXPECT_EQ(validate(with(0ms, 150ms, 300ms)),
            "the heartbeat interval must be longer than 0 ms, not 0 ms");
  EXPECT_EQ(validate(with(50ms, 150ms, 25h)),
            "the longest election timeout must be at most 24 hours, not 90000000 ms");
  EXPECT_EQ(to_string(Timing{}), "election_timeout=150-300ms heartbeat=50ms");
}

// C7: seeded draws, alike for alike seeds, different for each wait.
TEST(OptionsOfACluster, TimeoutsAreDrawnFromTheSeedWithinTheRange) {
  const auto deadlines = [](std::uint64_t seed) {
    Server server({.options = with(1ms, 12ms, 24ms), .seed = seed});
    std::vector<TimePoint> drawn;
    for (int i = 0; i < 50; ++i) {
      const TimePoint now = at(i * 1ms);
      (void)server.state.handle(heartbeat(2, 1), now);
      drawn.push_back(server.state.election_deadline());
      EXPECT_GE(drawn.back(), now + 12ms);
      EXPECT_LE(drawn.back(), now + 24ms);
    }
    return drawn;
  };
  EXPECT_EQ(deadlines(5), deadlines(5));
  EXPECT_NE(deadlines(5), deadlines(6));
}

// C6: an equal minimum and maximum leave nothing to chance.
TEST(OptionsOfACluster, AnEmptyRangeIsExact) {
  Server server({.options = with(50ms, 202ms, 202ms)});
  EXPECT_EQ(server.state.election_deadline(), at(202ms));
}

TEST(ConfigurationOfACluster, KnowsItsMembers) {
  const Configuration configuration({3, 1, 2}, {9, 5});
  EXPECT_EQ(configuration.voters(), (std::vector<ServerId>{1, 2, 3}));
  EXPECT_EQ(configuration.learners(), (std::vector<ServerId>{5, 9}));
  EXPECT_TRUE(configuration.is_voter(2));
  EXPECT_FALSE(configuration.is_voter(5));
  EXPECT_TRUE(configuration.is_member(5));
  EXPECT_FALSE(configuration.is_member(4));
  EXPECT_EQ(configuration.voters_except(2), (std::vector<ServerId>{1, 3}));
  EXPECT_EQ(configuration.members_except(2), (std::vector<ServerId>{1, 3, 5, 9}));
  EXPECT_DEATH(Configuration({1, 1}), "named once");
  EXPECT_DEATH(Configuration({1, 2}, {2}), "named once");
  EXPECT_DEATH(Configuration({0, 1}), "no server's id");
}

// V12, V15
TEST(ConfigurationOfACluster, AMajorityIsOfItsVoters) {
  const Configuration four({1, 2, 3, 4}, {5});
  const auto decides = [&](std::vector<ServerId> servers) { return four.has_majority(servers); };
  EXPECT_TRUE(decides({1, 2, 3}));
  EXPECT_FALSE(decides({1, 2}));
  EXPECT_FALSE(decides({1, 1, 2, 2, 2}));
  EXPECT_FALSE(decides({1, 2, 5, 6}));
  EXPECT_FALSE(Configuration().has_majority(std::vector<ServerId>{1, 2}));
}

TEST(StateAtItsStart, RefusesWhatCannotBe) {
  EXPECT_DEATH(Server({.options = with(50ms, 60ms, 90ms)}), "options are validated");
  EXPECT_DEATH(Server({.hard_state = {.term = 1}, .log = {1, 2}}), "a term still to come");
  EXPECT_DEATH(Server({.hard_state = {.term = 3}, .log = {2, 1}}), "terms in a log never fall");
}

TEST(StateAtItsStart, IsAFollowerThatHasHeardNobody) {
  Server server({.hard_state = {.term = 4, .vote = 3}, .log = {1, 4}});
  EXPECT_EQ(server.state.role(), Role::follower);
  EXPECT_EQ(server.state.leader(), kNobody);
  EXPECT_GE(server.state.election_deadline(), at(150ms));
  EXPECT_LE(server.state.election_deadline(), at(300ms));
  EXPECT_EQ(server.take_events(),
            (std::vector<std::string>{"event=started last_index=2 last_term=4"}));
}

TEST(StateAtItsStart, DurabilityOnlyGrows) {
  Server server;
  server.time_out();
  const auto asked = server.state.compose_pre_vote(2);
  server.state.handle(asked, grant(asked), at(1s));
  server.state.begin_election(at(1s));
  EXPECT_DEATH(server.state.durable_up_to(server.state.last_change() + 1, at(1s)), "were made");
  server.sync();
  EXPECT_DEATH(server.state.durable_up_to(0, at(1s)), "stays durable");
}

}  // namespace
}  // namespace coracle::raft
