#include "apps/simulate_flags.h"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/flags.h"

namespace coracle::demo {
namespace {

constexpr double kOperations = 20;  // where nothing is said

}  // namespace

void SimulateFlags::add_to(CLI::App& app) {
  app.add_option("--seed", seed, "Which run; the first of them, if there are several")
      ->capture_default_str();
  app.add_option("--seeds", seeds, "How many runs, of this seed and those after it")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--nodes", nodes_, "How many servers; 3, 5 or 7 as the seed says, if not said")
      ->check(CLI::Range(1, 15));
  add_duration(app, "--time", time_, "How long faults come and go, in the time of the simulation");
  app.add_option("--faults", faults_,
                 "Which: all, none, or some of crash,machine,pause,clock,partition,cut,connections,"
                 "links,messages,disk,flip,damage")
      ->capture_default_str();
  app.add_option("--operations", operations_,
                 "How many times a second clients write and read, at most; 0 for no clients")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--history", history,
                 "Writes what the clients of the one seed did and saw here, as JSON lines");
  app.add_option("--trace", trace,
                 "Writes every event of the one seed here, also of one that fails");
  app.add_flag("--shrink", shrinks,
               "Leaves out the faults that the failure of the seed does not need, and prints the "
               "others");
  app.add_option("--jobs", jobs, "How many processes at a time; 0 is one for each processor")
      ->capture_default_str();
  app.add_flag("--worker", is_worker, "For simulate itself: runs the seeds in this process")
      ->group("");
  app.add_flag("--worker-traces", traces, "For simulate itself")->group("");
  app.add_flag("--worker-records", records, "For simulate itself")->group("");
  app.add_option("--without", without_, "For simulate itself: faults that are left out")
      ->delimiter(',')
      ->group("");
}

void SimulateFlags::check() {
  const auto kinds = raft::sim::parse_fault_kinds(faults_);
  if (!kinds) throw CLI::ValidationError("--faults", "`" + faults_ + "` are no faults that exist");
  kinds_ = *kinds;
  if (seeds > 1 && !trace.empty()) {
    throw CLI::ValidationError("--trace", "one seed is traced, not " + std::to_string(seeds));
  }
  if (seeds > 1 && !history.empty()) {
    throw CLI::ValidationError(
        "--history", "the history of one seed is written, not of " + std::to_string(seeds));
  }
  if (seeds > 1 && shrinks) {
    throw CLI::ValidationError("--shrink", "one seed is shrunk, not " + std::to_string(seeds));
  }
}

raft::sim::RunPlan SimulateFlags::plan(std::uint64_t plan_seed) const {
  const std::size_t servers = nodes_ == 0 ? raft::sim::servers_of_seed(plan_seed) : nodes_;
  raft::sim::RunPlan plan = raft::sim::draw_plan({.seed = plan_seed,
                                                  .servers = servers,
                                                  .time = time_,
                                                  .kinds = kinds_,
                                                  .operations_per_second = operations_});
  std::vector<raft::sim::Fault> kept;
  for (std::size_t fault = 0; fault < plan.faults.size(); ++fault) {
    if (std::ranges::count(without_, fault) == 0) kept.push_back(plan.faults[fault]);
  }
  plan.faults = std::move(kept);
  return plan;
}

std::vector<std::string> SimulateFlags::shared(std::uint64_t of_seed) const {
  std::vector<std::string> arguments{"--seed", std::to_string(of_seed)};
  if (nodes_ != 0) arguments.insert(arguments.end(), {"--nodes", std::to_string(nodes_)});
  arguments.insert(arguments.end(), {"--time", print_duration(time_), "--faults",
                                     raft::sim::print_fault_kinds(kinds_)});
  if (operations_ != kOperations) {
    arguments.insert(arguments.end(), {"--operations", fmt::format("{}", operations_)});
  }
  return arguments;
}

std::vector<std::string> SimulateFlags::worker(std::uint64_t first, std::uint64_t count,
                                               const std::set<std::size_t>& without) const {
  std::vector<std::string> arguments = shared(first);
  arguments.insert(arguments.begin(), {"simulate", "--worker"});
  arguments.insert(arguments.end(), {"--seeds", std::to_string(count)});
  if (!trace.empty()) arguments.emplace_back("--worker-traces");
  if (!history.empty()) arguments.emplace_back("--worker-records");
  std::string left_out;
  for (const std::size_t fault : without) {
    left_out += (left_out.empty() ? "" : ",") + std::to_string(fault);
  }
  if (!left_out.empty()) arguments.insert(arguments.end(), {"--without", left_out});
  return arguments;
}

std::string SimulateFlags::command(std::uint64_t of_seed) const {
  std::string text = "coracle simulate";
  for (const std::string& argument : shared(of_seed)) text += " " + argument;
  return text;
}

}  // namespace coracle::demo
