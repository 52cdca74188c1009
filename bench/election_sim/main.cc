// Measures elections in the simulator, with the real Raft code, and prints one line of CSV for each
// trial; bench/election_sim/measure.py makes the table.
//
//   bench_election_sim --setup paper|naive|careful|three|today --timeout A-B --trials N [--seed N]
#include <getopt.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "raft/sim/cluster.h"
#include "runtime/random.h"

namespace {

using namespace coracle;
using namespace std::chrono_literals;
using raft::ServerId;
using raft::sim::RaftCluster;

constexpr ServerId kLeader = 1;

// What the servers run on.
struct Setup {
  std::size_t servers = 5;
  bool plain = true;         // or with pre-vote, quorum check and the voters' rule
  bool unequal_logs = true;  // no two are equal, so that half of the survivors cannot win
  sim::Delay one_way = sim::exactly(50us);
  sim::Delay sync = {.min = 1ms, .max = 1ms, .exponential_mean = 3400us};
};

const std::map<std::string, Setup> kSetups{
    {"paper", {}},
    {"naive", {.one_way = sim::exactly(7500us), .sync = sim::exactly(0us)}},
    {"careful", {.plain = false}},
    {"three", {.servers = 3, .unequal_logs = false}},
    {"today", {.one_way = {20us, 60us, {}}, .sync = {50us, 150us, {}}}},
};

struct Settings {
  Setup setup{};
  Duration timeout_min = 150ms;
  Duration timeout_max = 300ms;
  int trials = 1;
  std::uint64_t seed = 1;
};

// Sees when the leader sends, and when each of the others first hears of a leader.
class Watch final : public raft::sim::ClusterObserver {
 public:
  explicit Watch(RaftCluster& cluster) : cluster_(cluster) { cluster.observe(this); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { cluster_.observe(nullptr); }

  [[nodiscard]] TimePoint last_heartbeat() const { return last_heartbeat_; }
  [[nodiscard]] TimePoint last_news() const { return last_news_; }

  void event(const raft::sim::Happened& happened) override {
    if (happened.event.kind == raft::EventKind::heard_leader) last_news_ = happened.when;
  }
  void sends(const raft::sim::Message& message) override {
    const bool is_heartbeat = message.kind == raft::sim::MessageKind::append_entries;
    if (is_heartbeat && message.from == kLeader) last_heartbeat_ = cluster_.now();
  }
  void receives(const raft::sim::Message& /*message*/) override {}
  void loses(const raft::sim::Message& /*message*/) override {}

 private:
  RaftCluster& cluster_;
  TimePoint last_heartbeat_{};
  TimePoint last_news_{};
};

[[noreturn]] void fail(const char* what, std::uint64_t seed) {
  std::fprintf(stderr, "bench_election_sim: %s, seed %llu\n", what,
               static_cast<unsigned long long>(seed));
  std::exit(1);
}

raft::Options options_of(const Settings& settings) {
  raft::Options options = settings.setup.plain ? raft::Options::plain() : raft::Options();
  options.timing.timeout_min = settings.timeout_min;
  options.timing.timeout_max = settings.timeout_max;
  options.timing.heartbeat = settings.timeout_min / 2;
  return options;
}

// The leader's log is the longest, and the later ones are ever shorter.
void set_up(RaftCluster& cluster, const Setup& setup) {
  cluster.network().set_default_link({.latency = setup.one_way});
  for (const ServerId server : cluster.ids()) {
    const sim::Delay none = sim::exactly(0us);
    cluster.disk(server).set_delays(
        {.read = none, .write = none, .sync = setup.sync, .other = none});
    if (!setup.unequal_logs) continue;
    cluster.set_hard_state(server, {.term = 1, .vote = raft::kNobody});
    cluster.set_log(server, std::vector<raft::Term>(cluster.ids().size() + 1 - server, 1));
  }
}

// The clocks of the others stand until they follow, so that nobody else stands for election, also
// where a vote takes longer than a timeout. Then they gain or lose up to 100 millionths, as quartz
// does: where all timeouts are alike, only that ends a row of splits.
void elect_first(RaftCluster& cluster, Random& random, std::uint64_t seed) {
  for (const ServerId server : cluster.ids()) {
    if (server != kLeader) cluster.host(server).set_clock_rate(0);
  }
  const auto all_follow = [&] { return cluster.agreed_leader(cluster.ids()) == kLeader; };
  if (!cluster.run_until(all_follow, 1min)) fail("the first leader was not elected", seed);
  for (const ServerId server : cluster.ids()) {
    constexpr std::uint64_t kMostOff = 100;
    const auto gained = static_cast<std::int64_t>(random.below(2 * kMostOff + 1));
    cluster.host(server).set_clock_rate(sim::HostClock::kTrueRate - std::int64_t{kMostOff} +
                                        gained);
  }
}

// Returns how long the others are without a leader that stays, from the moment it dies.
Duration run_trial(const Settings& settings, std::uint64_t seed) {
  RaftCluster cluster({.servers = settings.setup.servers,
                       .seed = seed,
                       .options = options_of(settings),
                       .check_invariants = false});
  cluster.world().trace().keep_last(0);
  Random random(seed);
  set_up(cluster, settings.setup);
  Watch watch(cluster);
  elect_first(cluster, random, seed);

  // A heartbeat to all, and within the interval after it the end.
  const TimePoint before = watch.last_heartbeat();
  if (!cluster.run_until([&] { return watch.last_heartbeat() > before; }, 10s)) {
    fail("the leader sends nothing", seed);
  }
  cluster.run_for(0ns);
  const Duration interval = settings.timeout_min / 2;
  cluster.run_for(random.between(0ns, interval - 1ns));
  cluster.crash_machine(kLeader);
  const TimePoint death = cluster.now();

  std::vector<ServerId> survivors = cluster.ids();
  std::erase(survivors, kLeader);
  for (;;) {
    const auto led = [&] { return cluster.agreed_leader(survivors) != raft::kNobody; };
    if (!cluster.run_until(led, 24h)) fail("nobody was elected", seed);
    const ServerId leader = cluster.agreed_leader(survivors);
    const raft::Term term = cluster.state(leader).term();
    const TimePoint heard = watch.last_news();
    cluster.run_for(2 * settings.timeout_max);
    if (cluster.leader() == leader && cluster.state(leader).term() == term) return heard - death;
  }
}

Settings parse(int argc, char** argv) {
  Settings settings;
  const option names[] = {{"setup", required_argument, nullptr, 'u'},
                          {"timeout", required_argument, nullptr, 't'},
                          {"trials", required_argument, nullptr, 'n'},
                          {"seed", required_argument, nullptr, 's'},
                          {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    int low = 0;
    int high = 0;
    if (name == 'u' && kSetups.contains(optarg)) {
      settings.setup = kSetups.at(optarg);
    } else if (name == 't' && std::sscanf(optarg, "%d-%d", &low, &high) == 2) {
      settings.timeout_min = std::chrono::milliseconds(low);
      settings.timeout_max = std::chrono::milliseconds(high);
    } else if (name == 'n') {
      settings.trials = std::atoi(optarg);
    } else if (name == 's') {
      settings.seed = std::strtoull(optarg, nullptr, 10);
    } else {
      std::exit(2);
    }
  }
  if (settings.trials < 1) std::exit(2);
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  std::printf("elapsed_ms\n");
  for (int trial = 0; trial < settings.trials; ++trial) {
    const Duration elapsed = run_trial(settings, settings.seed + static_cast<std::uint64_t>(trial));
    std::printf("%.4f\n", std::chrono::duration<double, std::milli>(elapsed).count());
  }
}
