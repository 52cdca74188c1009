// The time service on virtual time, and its programs as their users meet them.
#include "apps/time_service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "runtime/task_group.h"
#include "runtime/wall_time.h"
#include "tests/apps/listening.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// A server and a client in a simulated world.
struct TimeWorld {
  explicit TimeWorld(Answer answer = Answer::time, std::uint64_t seed = 1)
      : world(seed),
        network(world),
        server(world.add_host("server")),
        client(world.add_host("client")),
        address(net::sim::Network::address_of(server, 7000)) {
    const auto serve = [this, answer]() -> Task<> {
      co_await answer_questions(net::UdpSocket::bind(address), answer);
    };
    server.start(serve);
  }

  // Asks `count` questions.
  std::vector<std::optional<TimeAnswer>> ask(int count, AskOptions options = {}) {
    std::vector<std::optional<TimeAnswer>> answers;
    const auto ask_all = [&]() -> Task<> {
      net::UdpSocket socket = net::UdpSocket::connect(address);
      for (int i = 0; i < count; ++i) {
        const std::string question = std::to_string(i) + "?";
        answers.push_back(co_await ask_time(socket, question, options));
      }
    };
    client.start(ask_all);
    while (client.running()) world.run_for(1s);
    if (client.failure() != nullptr) ADD_FAILURE() << describe_exception(client.failure());
    return answers;
  }

  sim::Simulation world;
  net::sim::Network network;
  sim::Host& server;
  sim::Host& client;
  net::Address address;
};

TEST(TimeService, TellsHowFarTheServersClockIsAhead) {
  TimeWorld all;
  all.network.link(all.server, all.client, {.latency = sim::exactly(3ms)});
  all.server.set_wall_time(-90s);
  const auto answers = all.ask(2);
  ASSERT_TRUE(answers.at(0));
  EXPECT_EQ(answers[0]->text, "0? 1999-12-31T23:58:30.003000Z");
  EXPECT_EQ(answers[0]->round_trip, 6ms);
  EXPECT_EQ(answers[0]->ahead, -90s);
  EXPECT_EQ(answers[0]->tries, 1);
  ASSERT_TRUE(answers.at(1));
  EXPECT_EQ(answers[1]->text, "1? 1999-12-31T23:58:30.009000Z");
}

TEST(TimeService, EchoesUnchanged) {
  TimeWorld all(Answer::echo);
  const auto answers = all.ask(1);
  ASSERT_TRUE(answers.at(0));
  EXPECT_EQ(answers[0]->text, "0?");
  EXPECT_EQ(answers[0]->ahead, std::nullopt);
}

// Lost questions are asked again; the answers to earlier ones, and doubled ones, are not taken.
TEST(TimeService, GetsItsAnswersThroughABadNetwork) {
  int tries = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TimeWorld all(Answer::time, seed);
    all.network.link(all.server, all.client,
                     {.latency = {1ms, 1500ms, {}}, .loss = 0.2, .duplication = 0.3});
    const auto answers = all.ask(20, {.timeout = 1s, .tries = 50});
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(answers[i]);
      EXPECT_TRUE(answers[i]->text.starts_with(std::to_string(i) + "? 2000-")) << answers[i]->text;
      tries += answers[i]->tries;
      EXPECT_LE(std::chrono::abs(*answers[i]->ahead), answers[i]->round_trip / 2);
    }
  }
  EXPECT_GT(tries, 250);
}

TEST(TimeService, GivesUpWhenNoAnswerComes) {
  TimeWorld all;
  all.network.cut(all.server, all.client);
  const auto answers = all.ask(1, {.timeout = 2s, .tries = 3});
  EXPECT_FALSE(answers.at(0));
  EXPECT_EQ(all.client.wall_time() - all.server.wall_time(), 0s);
  EXPECT_GE(all.world.now().time_since_epoch(), 6s);
}

TEST(TimeService, DoesNotAnswerWhatNoAnswerHolds) {
  std::vector<std::string> lines;
  RunOptions options;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  TimeWorld all;
  all.server.options().log_sink = options.log_sink;
  all.server.crash();
  all.server.restart();
  const auto ask_much = [&]() -> Task<> {
    net::UdpSocket socket = net::UdpSocket::connect(all.address);
    const std::string longest(net::kDatagramBytesMax, 'x');
    const AskOptions once{.timeout = 1s, .tries = 3};
    const auto none = co_await ask_time(socket, longest, once);
    EXPECT_FALSE(none);
    const auto some = co_await ask_time(socket, "short", once);
    EXPECT_TRUE(some);
  };
  all.client.start(ask_much);
  while (all.client.running()) all.world.run_for(1s);
  if (all.client.failure() != nullptr) ADD_FAILURE() << describe_exception(all.client.failure());
  ASSERT_EQ(lines.size(), 2U) << "the 1st and the 2nd";
  EXPECT_NE(lines[0].find("not_answered peer=10.0.0.2:"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("Message too long"), std::string::npos) << lines[0];
}

TEST(TimeService, SurvivesTheLongestDatagramsOfIpv6) {
  RunOptions options;
  std::vector<std::string> lines;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  const auto both = []() -> Task<> {
    net::UdpSocket server = net::UdpSocket::bind(net::Address::from("[::1]:0"));
    net::UdpSocket client = net::UdpSocket::connect(server.local_address());
    const auto serve = [&]() { return answer_questions(std::move(server), Answer::time); };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("server", serve);
      const std::string longest(65'527, 'x');
      co_await client.send(longest);
      const auto some = co_await ask_time(client, "short", {});
      EXPECT_TRUE(some);
      group.cancel();
    });
  };
  run(both(), options);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("not_answered"), std::string::npos) << lines[0];
}

// --- the programs --------------------------------------------------------------------------------

std::string ask(std::vector<std::string> arguments) {
  Program client(ListeningProgram::command("udp_ask", std::move(arguments)));
  EXPECT_EQ(client.wait(), 0) << client.printed();
  return client.printed();
}

TEST(UdpTime, TellsTheTimeUntilInterrupted) {
  ListeningProgram server("udp_time", {"127.0.0.1:0"});
  const std::string where = server.address.to_string();
  const std::string printed = ask({where, "what time is it?", "--count", "2"});
  const std::string begin = "answer=\"1 what time is it? ";
  ASSERT_TRUE(printed.starts_with(begin)) << printed;
  const auto time = parse_wall_time(printed.substr(begin.size(), 27));
  EXPECT_TRUE(time) << printed;
  EXPECT_NE(printed.find("\nanswer=\"2 what time is it? "), std::string::npos) << printed;
  EXPECT_NE(printed.find("clock_ahead_ms="), std::string::npos) << printed;
  server.program.send(SIGINT);
  EXPECT_EQ(server.program.wait(), 0);
}

TEST(UdpTime, EchoesUnchanged) {
  ListeningProgram server("udp_time", {"127.0.0.1:0", "--echo"});
  const std::string printed = ask({server.address.to_string(), "same"});
  EXPECT_TRUE(printed.starts_with("answer=\"1 same\" tries=1 round_trip_ms=")) << printed;
  EXPECT_EQ(printed.find("clock_ahead_ms"), std::string::npos) << printed;
}

TEST(UdpTime, SaysWhatIsWrong) {
  EXPECT_NE(refused("udp_time", {"127.0.0.1:0", "--loud"}).find("--echo"), std::string::npos);
  EXPECT_NE(refused("udp_time", {"192.0.2.1:7"}).find("udp_time: bind 192.0.2.1:7: "),
            std::string::npos);
  EXPECT_NE(refused("udp_ask", {"127.0.0.1:7", "--tries", "0"}).find("--tries"), std::string::npos);
  std::string nobody;
  {
    ListeningProgram server("udp_time", {"127.0.0.1:0"});
    nobody = server.address.to_string();
  }
  EXPECT_EQ(refused("udp_ask", {nobody}), "udp_ask: receive " + nobody + ": Connection refused\n");
}

}  // namespace
}  // namespace coracle
