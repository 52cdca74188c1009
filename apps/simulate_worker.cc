#include "apps/simulate_worker.h"

#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <sstream>
#include <string>

#include "raft/sim/history.h"
#include "raft/sim/random_run.h"

namespace coracle::demo {
namespace {

// Each line leaves at once: the next thing may be an abort.
void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

// Returns    why it failed; nothing if it did not.
std::string run_seed(const SimulateFlags& flags, std::uint64_t seed) {
  const raft::sim::RunPlan plan = flags.plan(seed);
  try {
    raft::sim::RandomRun run(plan);
    coracle::sim::Trace& trace = run.cluster().world().trace();
    if (flags.traces) {
      trace.observe([](const coracle::sim::TraceEvent& event) { say(event.to_text()); });
    }
    std::string failure = run.run();
    trace.observe({});
    if (flags.records && run.history() != nullptr) {
      for (const raft::sim::ClientOperation& operation : run.history()->operations()) {
        say(std::string(kOperation) + to_json(operation));
      }
    }
    return failure;
  } catch (const std::exception& error) {  // a livelock, say
    return error.what();
  }
}

}  // namespace

void run_worker(const SimulateFlags& flags) {
  for (std::uint64_t seed = flags.seed; seed < flags.seed + flags.seeds; ++seed) {
    say(fmt::format("{}{}", kSeedBegins, seed));
    const std::string failure = run_seed(flags, seed);
    if (failure.empty()) {
      say(fmt::format("{}{}", kSeedPassed, seed));
      continue;
    }
    std::istringstream lines(failure);
    std::string first;
    std::getline(lines, first);
    for (std::string line; std::getline(lines, line);) say(std::string(kSeedDetail) + line);
    say(fmt::format("{}{} {}", kSeedFailed, seed, first));
  }
}

}  // namespace coracle::demo
