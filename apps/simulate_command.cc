#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "apps/commands.h"
#include "apps/seed_batch.h"
#include "apps/simulate_flags.h"
#include "apps/simulate_worker.h"
#include "apps/whole_file.h"
#include "runtime/run.h"
#include "runtime/task_group.h"

namespace coracle::demo {
namespace {

// What all workers have brought home.
class Tally {
 public:
  explicit Tally(const SimulateFlags& flags)
      : flags_(flags), shows_progress_(isatty(STDERR_FILENO) != 0) {}

  void ended(const SeedResult& result) {
    ++done_;
    if (!result.failure.empty()) {
      ++failed_;
      clear_line();
      fmt::print("{}   # {}\n", flags_.command(result.seed), result.failure);
      if (flags_.seeds == 1) fmt::print("{}", result.details);
      std::fflush(stdout);
    }
    if (!shows_progress_) return;
    fmt::print(stderr, "\r{} of {} seeds, {} failed", done_, flags_.seeds, failed_);
    std::fflush(stderr);
  }

  // The end of the line of progress.
  void close() {
    clear_line();
    fmt::print("{} passed, {} failed\n", done_ - failed_, failed_);
  }

  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  void clear_line() const {
    if (shows_progress_) fmt::print(stderr, "\r\033[K");
  }

  const SimulateFlags& flags_;
  const bool shows_progress_;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
};

// The seeds that no worker has taken yet.
struct Seeds {
  std::uint64_t next;
  std::uint64_t end;
};

// Takes a few seeds at a time, so that all workers end at about the same time.
Task<> work(const SimulateFlags& flags, Seeds& seeds, const BatchListener& listener) {
  constexpr std::uint64_t kBatch = 10;
  const std::set<std::size_t> all_faults;
  while (seeds.next < seeds.end) {
    const std::uint64_t first = seeds.next;
    const std::uint64_t count = std::min(kBatch, seeds.end - first);
    seeds.next += count;
    co_await run_batch(flags, first, count, all_faults, listener);
  }
}

std::uint64_t jobs_of(const SimulateFlags& flags) {
  const std::uint64_t processors = std::max(1U, std::thread::hardware_concurrency());
  return flags.jobs == 0 ? processors : flags.jobs;
}

Task<> run_seeds(const SimulateFlags& flags, Tally& tally) {
  Seeds seeds{.next = flags.seed, .end = flags.seed + flags.seeds};
  std::string trace;
  BatchListener listener;
  listener.ended = [&](const SeedResult& result) { tally.ended(result); };
  if (!flags.trace.empty()) {
    listener.traced = [&](std::string_view line) { trace.append(line).append("\n"); };
  }
  std::string history;
  if (!flags.history.empty()) {
    listener.operated = [&](std::string_view line) { history.append(line).append("\n"); };
  }
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (std::uint64_t job = 0; job < jobs_of(flags); ++job) {
      group.spawn("worker", work, std::cref(flags), std::ref(seeds), std::cref(listener));
    }
    co_return;
  });
  if (!flags.trace.empty()) co_await write_whole_file(flags.trace, trace);
  if (!flags.history.empty()) co_await write_whole_file(flags.history, history);
}

// ---- Shrinking ----

// Returns    why the seed fails without these faults; nothing if it does not.
Task<std::string> failure_without(const SimulateFlags& flags,
                                  const std::set<std::size_t>& without) {
  std::string failure;
  BatchListener listener;
  listener.ended = [&](const SeedResult& result) { failure = result.failure; };
  co_await run_batch(flags, flags.seed, 1, without, listener);
  co_return failure;
}

// Leaves out as many as it can at a time, then fewer, and in the end one by one: delta debugging
// (Zeller and Hildebrandt, 2002), without its complements. Any failure will do.
Task<> shrink(const SimulateFlags& flags, Tally& tally) {
  const raft::sim::RunPlan plan = flags.plan(flags.seed);
  std::set<std::size_t> without;
  std::string failure = co_await failure_without(flags, without);
  tally.ended({.seed = flags.seed, .failure = failure, .details = {}});
  if (failure.empty()) co_return;
  for (std::size_t size = std::max<std::size_t>(plan.faults.size() / 2, 1); size > 0; size /= 2) {
    for (std::size_t begin = 0; begin < plan.faults.size(); begin += size) {
      std::set<std::size_t> fewer = without;
      const std::size_t end = std::min(begin + size, plan.faults.size());
      for (std::size_t fault = begin; fault < end; ++fault) fewer.insert(fault);
      if (fewer.size() == without.size()) continue;
      std::string still = co_await failure_without(flags, fewer);
      if (still.empty()) continue;
      without = std::move(fewer);
      failure = std::move(still);
    }
  }
  fmt::print("{} of {} faults are needed for: {}\n", plan.faults.size() - without.size(),
             plan.faults.size(), failure);
  for (std::size_t fault = 0; fault < plan.faults.size(); ++fault) {
    if (!without.contains(fault)) fmt::print("  {}\n", plan.faults[fault].to_text());
  }
}

void simulate(const SimulateFlags& flags) {
  if (flags.is_worker) return run_worker(flags);
  Tally tally(flags);
  RunOptions options;
  options.log_level = LogLevel::warn;
  run(flags.shrinks ? shrink(flags, tally) : run_seeds(flags, tally), options);
  tally.close();
  if (tally.failed() > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void add_simulate(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "simulate", "Runs simulated clusters under random faults, and looks for what must not be");
  const auto flags = std::make_shared<SimulateFlags>();
  flags->add_to(*command);
  command->callback([flags] {
    flags->check();
    simulate(*flags);
  });
}

}  // namespace coracle::demo
