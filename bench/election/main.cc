// Measures elections and prints one line of CSV for each trial; bench/election/measure.py makes
// the table.
//
//   bench_election --servers 3|5 --timeout A-B --trials N [--clusters N]
#include <getopt.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "bench/election/cluster.h"
#include "runtime/run.h"
#include "runtime/task_group.h"

namespace {

using namespace coracle;
using bench::election::Cluster;
using bench::election::Trial;

struct Settings {
  std::size_t servers = 3;
  int timeout_min_ms = 150;
  int timeout_max_ms = 300;
  int trials = 1;
  int clusters = 1;
};

// The directory of all clusters, gone when this is.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "election-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double milliseconds(Duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

void print(const Trial& trial) {
  std::printf("%.4f,%llu,%.4f,%.4f\n", milliseconds(trial.elapsed),
              static_cast<unsigned long long>(trial.failed_rounds), milliseconds(trial.vote),
              milliseconds(trial.heartbeat));
  std::fflush(stdout);
}

raft::Options options_of(const Settings& settings) {
  raft::Options options = raft::Options::plain();
  options.timing.timeout_min = std::chrono::milliseconds(settings.timeout_min_ms);
  options.timing.timeout_max = std::chrono::milliseconds(settings.timeout_max_ms);
  options.timing.heartbeat = options.timing.timeout_min / 2;
  return options;
}

// The clusters share the trials that are left to do.
Task<> run_cluster(const Settings& settings, std::string directory, int& left) {
  Cluster cluster(settings.servers, options_of(settings), std::move(directory));
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("servers", &Cluster::run_servers, &cluster);
    while (left > 0) {
      --left;
      const Trial trial = co_await cluster.run_trial();
      print(trial);
    }
    group.cancel();
  });
}

Task<> run_clusters(const Settings& settings, const std::string& directory) {
  int left = settings.trials;
  std::printf("elapsed_ms,failed_rounds,vote_ms,heartbeat_ms\n");
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < settings.clusters; ++i) {
      std::string own = directory + "/" + std::to_string(i);
      group.spawn("cluster", run_cluster, std::cref(settings), std::move(own), std::ref(left));
    }
    co_return;
  });
}

Settings parse(int argc, char** argv) {
  Settings settings;
  const option names[] = {{"servers", required_argument, nullptr, 's'},
                          {"timeout", required_argument, nullptr, 't'},
                          {"trials", required_argument, nullptr, 'n'},
                          {"clusters", required_argument, nullptr, 'c'},
                          {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    if (name == 's') settings.servers = std::strtoul(optarg, nullptr, 10);
    if (name == 'n') settings.trials = std::atoi(optarg);
    if (name == 'c') settings.clusters = std::atoi(optarg);
    const bool timeout_is_wrong =
        name == 't' &&
        std::sscanf(optarg, "%d-%d", &settings.timeout_min_ms, &settings.timeout_max_ms) != 2;
    if (name == '?' || timeout_is_wrong) std::exit(2);
  }
  if (settings.servers < 3 || settings.trials < 1 || settings.clusters < 1) std::exit(2);
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  const TemporaryDirectory directory;
  RunOptions options;
  options.log_level = LogLevel::error;
  coracle::run(run_clusters(settings, directory.path()), options);
}
