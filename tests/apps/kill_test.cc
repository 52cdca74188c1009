// A cluster of real processes under load, killed with kill -9 again and again, one by one and all
// at once: nothing that was acknowledged is lost, and what clients saw is linearizable.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "apps/demo_cluster.h"
#include "runtime/file.h"
#include "runtime/random.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/apps/map_load.h"
#include "tests/apps/program.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;
using raft::sim::OperationOutcome;

constexpr Duration kRound = 1s;
constexpr std::int64_t kWritesPerSecond = 5;  // at least, on the average
constexpr Duration kPause = 30ms;             // of each of six clients: 200 operations per second

class KillTest {
 public:
  explicit KillTest(Duration length) : length_(length) {}

  Task<> play() {
    const std::string directory = co_await make_temporary_directory("coracle-kill-");
    co_await with_cleanup(play_in(directory), remove(directory));
  }

  MapLoad load;
  int kills = 0;
  bool writes_again = false;  // after the last server has been started

 private:
  static Task<> remove(std::string directory) { co_await remove_tree(directory); }

  Task<> play_in(std::string directory) {
    DemoLog log(false);
    const Members members = free_members(3);
    DemoCluster cluster(Program::path("coracle"), 1, members, {}, directory, log);
    log.set_detail(LogDetail::quiet);
    const std::vector<net::Address> addresses = cluster.addresses();
    Task<> tormented = task_group([&](TaskGroup& servers) -> Task<> {
      start_all(cluster, servers);
      co_await task_group([&](TaskGroup& group) -> Task<> {
        for (const LoadClient& client : all_manners(addresses, kPause)) {
          group.spawn("client", &MapLoad::run, &load, client);
        }
        co_await torment(cluster, servers);
        const TimePoint healed = now();
        writes_again = co_await within(10s, write_again(healed));
        load.stop();
      });
      co_await load.read_all(addresses);
      servers.cancel();
    });
    co_await with_cleanup(std::move(tormented), cluster.bury());
  }

  Task<> torment(DemoCluster& cluster, TaskGroup& servers) {
    const TimePoint end = deadline_after(now(), length_);
    for (int round = 1; now() < end; ++round) {
      const TimePoint next = deadline_after(now(), kRound);
      for (const auto& server : cluster.servers()) {
        EXPECT_EQ(server->state(), DemoServer::State::up) << server->describe();
      }
      switch (round % 6) {
        case 3: co_await kill_all(cluster); break;
        case 0: co_await kill_all_but_keep_the_leader_down(cluster, servers); break;
        default: co_await kill(*cluster.find(1 + random().below(cluster.servers().size())));
      }
      co_await sleep_for(random().between(0ms, 600ms));
      start_all(cluster, servers);
      co_await sleep_until(next);
    }
  }

  // Until a write that is asked for from now on is acknowledged.
  Task<> write_again(TimePoint healed) {
    while (load.acknowledged_writes(healed) == 0) co_await sleep_for(10ms);
  }

  Task<> kill(DemoServer& server) {
    if (server.state() == DemoServer::State::down) co_return;
    co_await server.kill();
    ++kills;
  }

  Task<> kill_all(DemoCluster& cluster) {
    for (const auto& server : cluster.servers()) co_await kill(*server);
  }

  // A kernel delivers what a dead leader had sent. So its followers are stopped first, and die with
  // what they have not read; and they elect without the only one that holds it.
  Task<> kill_all_but_keep_the_leader_down(DemoCluster& cluster, TaskGroup& servers) {
    const std::optional<LeaderView> view = co_await cluster.wait_leader(5s);
    if (!view) co_return;
    for (const auto& server : cluster.servers()) {
      const bool is_up = server->state() == DemoServer::State::up;
      if (server->id() != view->leader && is_up) server->pause();
    }
    co_await sleep_for(200ms);  // of a leader that is alone
    co_await kill(*cluster.find(view->leader));
    co_await kill_all(cluster);
    for (const auto& server : cluster.servers()) {
      if (server->id() != view->leader) server->start(servers);
    }
    static_cast<void>(co_await cluster.wait_leader(5s));
  }

  static void start_all(DemoCluster& cluster, TaskGroup& servers) {
    for (const auto& server : cluster.servers()) {
      if (server->state() == DemoServer::State::down) server->start(servers);
    }
  }

  Duration length_;
};

// Returns    the file in which the history now is, for whoever looks into a failure.
std::string kept(const raft::sim::History& history) {
  std::string path = testing::TempDir() + "kill-" + std::to_string(getpid()) + ".jsonl";
  std::ofstream(path) << history.to_json_lines();
  return path;
}

void kill_for(Duration length) {
  KillTest test(length);
  RunOptions options;
  options.log_level = LogLevel::warn;
  run(test.play(), options);
  const std::string verdict = test.load.verdict();
  const std::size_t done = test.load.count(OperationOutcome::ok);
  const std::size_t unknown = test.load.count(OperationOutcome::unknown);
  const std::size_t failed = test.load.count(OperationOutcome::failed);
  const std::size_t writes = test.load.acknowledged_writes();
  std::printf("%d kills; operations: %zu done (%zu writes), %zu unknown, %zu failed\n", test.kills,
              done, writes, unknown, failed);
  EXPECT_GE(test.kills, length / kRound / 2);
  EXPECT_GE(writes, static_cast<std::size_t>(length / 1s * kWritesPerSecond))
      << "so little was written that this shows nothing";
  EXPECT_TRUE(test.writes_again) << "no write after the last kill is acknowledged";
  EXPECT_EQ(verdict, "") << "the history is in " << kept(test.load.history());
}

TEST(Kill, LosesNothingThatWasAcknowledged) { kill_for(8s); }

TEST(LongKill, LosesNothingThatWasAcknowledged) { kill_for(2min); }

}  // namespace
}  // namespace coracle::demo
