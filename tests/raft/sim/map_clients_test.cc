// Clients of the map in a simulated cluster, and what is said of what they saw: that is wrong where
// somebody meddles with the map behind their backs.
#include "raft/sim/map_clients.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "raft/sim/map_verdict.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

void let_them_rest(RaftCluster& cluster, MapClients& clients) {
  clients.stop();
  ASSERT_TRUE(cluster.run_until([&] { return !clients.waits(); }, 15s));
}

void write_and_read_finally(RaftCluster& cluster, MapClients& clients) {
  clients.write_finally();
  ASSERT_TRUE(cluster.run_until([&] { return !clients.writes(); }, 5s));
  for (const ServerId id : cluster.ids()) clients.read_all(id);
  ASSERT_TRUE(cluster.run_until([&] { return !clients.reads(); }, 5s));
}

// Changes the map as no client knows.
void meddle(RaftCluster& cluster, MapCommand command) {
  std::optional<ClientAnswer> given;
  ASSERT_TRUE(cluster.ask(cluster.leader(),
                          AskedCommand{.command = std::move(command), .session = {}},
                          [&given](const ClientAnswer& answer) { given = answer; }));
  ASSERT_TRUE(cluster.run_until([&given] { return given.has_value(); }, 1s));
  ASSERT_EQ(given->kind, ClientAnswer::Kind::done);
}

std::string appended(const RaftCluster& cluster) {
  return cluster.map(cluster.leader()).find(kAppendedKey).value_or("");
}

// Returns    the last value that was appended.
std::string last_appended(const RaftCluster& cluster) {
  const std::string all = appended(cluster);
  const std::size_t before = all.rfind(';', all.size() - 2);
  return before == std::string::npos ? all : all.substr(before + 1);
}

// Returns    how many operations of a client, of those that were answered, were open at once.
std::size_t most_at_once(const History& history, std::uint64_t client) {
  std::size_t most = 0;
  for (const ClientOperation& one : history.operations()) {
    if (one.client != client || one.outcome != OperationOutcome::ok) continue;
    const auto open = std::ranges::count_if(history.operations(), [&](const auto& other) {
      return other.client == client && other.outcome == OperationOutcome::ok &&
             other.invoked <= one.invoked && other.completed > one.invoked;
    });
    most = std::max(most, static_cast<std::size_t>(open));
  }
  return most;
}

TEST(MapClients, KeepSeveralCommandsOfASessionUnderWay) {
  RaftCluster cluster({.servers = 3, .seed = 1});
  MapClients clients(cluster, {.clients = 4, .operations_per_second = 40, .seed = 1});
  cluster.run_for(20s);
  let_them_rest(cluster, clients);
  write_and_read_finally(cluster, clients);
  EXPECT_EQ(clients.verdict(), "");
  for (const std::uint64_t with_session : {1U, 3U}) {
    EXPECT_GE(most_at_once(clients.history(), with_session), 2U);
    EXPECT_LE(most_at_once(clients.history(), with_session), 8U);
  }
  for (const std::uint64_t without : {2U, 4U}) {
    EXPECT_EQ(most_at_once(clients.history(), without), 1U);
  }
}

// R3: asked for again after the session has expired, a command is answered so, and never applied.
TEST(MapClients, AskAgainWhenTheirSessionsHaveExpired) {
  RaftCluster cluster({.servers = 3, .seed = 2});
  MapClients clients(cluster, {.clients = 6, .operations_per_second = 6, .seed = 2});
  for (int i = 0; i < 10; ++i) {
    cluster.run_for(2s);
    cluster.isolate(cluster.leader());
    cluster.run_for(1s);
    cluster.heal();
  }
  cluster.run_for(5s);
  let_them_rest(cluster, clients);
  write_and_read_finally(cluster, clients);
  EXPECT_EQ(clients.verdict(), "");
  EXPECT_GE(clients.expired_sessions(), 1U);
}

TEST(MapClients, MissAnAppendThatIsLost) {
  RaftCluster cluster({.servers = 3, .seed = 3});
  MapClients clients(cluster, {.seed = 3});
  cluster.run_for(5s);
  let_them_rest(cluster, clients);
  const std::string lost = last_appended(cluster);
  std::string rest = appended(cluster);
  ASSERT_GT(rest.size(), lost.size());
  rest.resize(rest.size() - lost.size());
  meddle(cluster, {.kind = MapCommand::Kind::put, .key = "log", .value = rest});
  write_and_read_finally(cluster, clients);
  const std::string verdict = clients.verdict();
  EXPECT_TRUE(contains(verdict, "append \"log\" += \"" + lost + "\": ok")) << verdict;
  EXPECT_TRUE(contains(verdict, "and it is lost")) << verdict;
}

// As of a command that is asked for again without a session.
TEST(MapClients, FindAnAppendThatWasAppliedTwice) {
  RaftCluster cluster({.servers = 3, .seed = 4});
  MapClients clients(cluster, {.seed = 4});
  cluster.run_for(5s);
  let_them_rest(cluster, clients);
  const std::string twice = last_appended(cluster);
  meddle(cluster, {.kind = MapCommand::Kind::append, .key = "log", .value = twice});
  write_and_read_finally(cluster, clients);
  const std::string verdict = clients.verdict();
  EXPECT_TRUE(contains(verdict, "append \"log\" += \"" + twice + "\"")) << verdict;
  EXPECT_TRUE(contains(verdict, "and it is there 2 times")) << verdict;
}

TEST(MapClients, MissAWriteThatTheLastReadsDoNotFind) {
  RaftCluster cluster({.servers = 3, .seed = 5});
  MapClients clients(cluster, {.seed = 5});
  cluster.run_for(5s);
  let_them_rest(cluster, clients);
  const ReplicatedMap& map = cluster.map(cluster.leader());
  const auto written = std::ranges::find_if(
      map.all(), [](const auto& entry) { return entry.first != kAppendedKey; });
  ASSERT_NE(written, map.all().end());
  const std::string key = written->first;
  meddle(cluster, {.kind = MapCommand::Kind::remove, .key = key});
  write_and_read_finally(cluster, clients);
  const std::string verdict = clients.verdict();
  EXPECT_TRUE(contains(verdict, "no order of the operations on " + key)) << verdict;
}

// ---- What is said of appends ----

ClientOperation append(std::string value, OperationOutcome outcome, Duration from, Duration to) {
  ClientOperation operation{.client = 1,
                            .kind = OperationKind::append,
                            .key = "log",
                            .value = std::move(value),
                            .invoked = TimePoint(from),
                            .outcome = outcome};
  if (outcome != OperationOutcome::unknown) operation.completed = TimePoint(to);
  return operation;
}

constexpr std::uint64_t kReader = 9;

ClientOperation last_read(MapValue found, Duration from, Duration to) {
  return {.client = kReader,
          .kind = OperationKind::get,
          .key = "log",
          .invoked = TimePoint(from),
          .completed = TimePoint(to),
          .outcome = OperationOutcome::ok,
          .found = std::move(found)};
}

std::string judge(const std::vector<ClientOperation>& history) {
  return judge_map_history(history, kReader);
}

TEST(MapVerdict, TellsWhatBecameOfEachAppend) {
  using enum OperationOutcome;
  const ClientOperation first = append("1;", ok, 1s, 2s);
  EXPECT_EQ(judge({first, last_read("1;", 5s, 6s)}), "");
  EXPECT_TRUE(contains(judge({first, last_read("", 5s, 6s)}), "it is lost"));
  EXPECT_TRUE(contains(judge({first, last_read("1;1;", 5s, 6s)}), "it is there 2 times"));
  EXPECT_TRUE(contains(judge({first}), "nobody has read log in the end"));

  const ClientOperation open = append("2;", unknown, 3s, {});
  EXPECT_EQ(judge({first, open, last_read("1;", 5s, 6s)}), "");
  EXPECT_EQ(judge({first, open, last_read("1;2;", 5s, 6s)}), "");
  EXPECT_TRUE(contains(judge({first, open, last_read("1;2;2;", 5s, 6s)}), "there 2 times"));

  const ClientOperation failed_one = append("3;", failed, 3s, 4s);
  EXPECT_EQ(judge({first, failed_one, last_read("1;", 5s, 6s)}), "");
  EXPECT_TRUE(contains(judge({first, failed_one, last_read("1;3;", 5s, 6s)}), "all the same"));
}

TEST(MapVerdict, TakesAsLostOnlyWhatWasAcknowledgedBeforeTheRead) {
  const ClientOperation late = append("1;", OperationOutcome::ok, 1s, 6s);
  EXPECT_EQ(judge({late, last_read({}, 5s, 7s)}), "");
  EXPECT_TRUE(contains(judge({late, last_read({}, 7s, 8s)}), "it is lost"));
}

// Each of those who read is asked, not the last one alone.
TEST(MapVerdict, AsksEveryReader) {
  const ClientOperation first = append("1;", OperationOutcome::ok, 1s, 2s);
  EXPECT_TRUE(contains(judge({first, last_read("", 5s, 6s), last_read("1;", 7s, 8s)}), "is lost"));
}

}  // namespace
}  // namespace coracle::raft::sim
