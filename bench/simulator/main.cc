// Measures how fast a simulated Raft cluster runs: five servers that do nothing but 50 ms
// heartbeats. Prints one line of CSV; bench/simulator/measure.py makes the table.
//
//   bench_simulator --invariants on|off --seconds VIRTUAL [--seed N]
#include <getopt.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "raft/sim/cluster.h"

namespace {

using namespace coracle;
using namespace std::chrono_literals;

struct Settings {
  bool invariants = true;
  int seconds = 60;
  std::uint64_t seed = 1;
};

Settings parse(int argc, char** argv) {
  Settings settings;
  const option names[] = {{"invariants", required_argument, nullptr, 'i'},
                          {"seconds", required_argument, nullptr, 't'},
                          {"seed", required_argument, nullptr, 's'},
                          {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    if (name == 'i') settings.invariants = std::string_view(optarg) == "on";
    if (name == 't') settings.seconds = std::atoi(optarg);
    if (name == 's') settings.seed = std::strtoull(optarg, nullptr, 10);
    if (name == '?') std::exit(2);
  }
  if (settings.seconds < 1) std::exit(2);
  return settings;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  raft::sim::RaftCluster cluster(
      {.servers = 5, .seed = settings.seed, .check_invariants = settings.invariants});
  cluster.world().trace().keep_last(1000);
  if (cluster.run_until_leader() == raft::kNobody) return 1;
  const std::uint64_t events = cluster.world().trace().count();
  const std::uint64_t segments = cluster.network().counters().segments_delivered;
  const double begin = cpu_seconds();
  cluster.run_for(std::chrono::seconds(settings.seconds));
  const double took = cpu_seconds() - begin;
  std::printf(
      "virtual_s,cpu_s,trace_events,segments\n%d,%.6f,%llu,%llu\n", settings.seconds, took,
      static_cast<unsigned long long>(cluster.world().trace().count() - events),
      static_cast<unsigned long long>(cluster.network().counters().segments_delivered - segments));
}
