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
#include "tests/apps/map_load.h"
#include "tests/apps/program.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;
using raft::sim::OperationOutcome;

constexpr Duration kRound = 1s;
constexpr int kAllAtOnceEvery = 6;  // rounds
constexpr Duration kPause = 30ms;   // of each of six clients: 200 operations per second

class KillTest {
 public:
  explicit KillTest(Duration length) : length_(length) {}

  Task<> play() {
    const std::string directory = co_await make_temporary_directory("coracle-kill-");
    co_await with_cleanup(play_in(directory), remove(directory));
  }

  MapLoad load;
  int kills = 0;

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
      const std::uint64_t victim = 1 + random().below(cluster.servers().size());
      for (const auto& server : cluster.servers()) {
        EXPECT_EQ(server->state(), DemoServer::State::up) << server->describe();
        const bool is_meant = server->id() == victim || round % kAllAtOnceEvery == 0;
        if (!is_meant || server->state() == DemoServer::State::down) continue;
        co_await server->kill();
        ++kills;
      }
      co_await sleep_for(random().between(0ms, 600ms));
      start_all(cluster, servers);
      co_await sleep_until(next);
    }
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
  std::string path = testing::TempDir() + "/kill-" + std::to_string(getpid()) + ".jsonl";
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
  std::printf("%d kills; operations: %zu done, %zu unknown, %zu failed\n", test.kills, done,
              unknown, failed);
  EXPECT_GT(test.kills, 0);
  EXPECT_GT(done, 100U) << "so little was served that this shows nothing";
  EXPECT_EQ(verdict, "") << "the history is in " << kept(test.load.history());
}

TEST(Kill, LosesNothingThatWasAcknowledged) { kill_for(8s); }

TEST(LongKill, LosesNothingThatWasAcknowledged) { kill_for(2min); }

}  // namespace
}  // namespace coracle::demo
