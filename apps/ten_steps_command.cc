#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "apps/cluster_number.h"
#include "apps/commands.h"
#include "apps/ten_steps.h"
#include "apps/timing_flags.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/shielded.h"

namespace coracle::demo {
namespace {

struct TenStepsFlags {
  TimingFlags timing;
  bool passed = false;
};

Task<> play(TenStepsFlags& flags, const std::string& directory) {
  DemoLog log(false);
  log.set_detail(LogDetail::quiet);
  const Members members = free_members(3);
  const std::uint64_t number = co_await cluster_number(directory);
  DemoCluster cluster(this_program(), number, members, flags.timing.arguments(), directory, log);
  Task<> playing = task_group([&](TaskGroup& group) -> Task<> {
    TenSteps steps(cluster, group);
    flags.passed = co_await steps.play();
    group.cancel();
  });
  co_await with_cleanup(std::move(playing), cluster.bury());
}

Task<> remove_directory(std::string directory) { co_await remove_tree(directory); }

Task<> run_ten_steps(TenStepsFlags& flags) {
  const TimePoint begun = now();
  const std::string directory = co_await make_temporary_directory("coracle-ten-steps-");
  co_await with_cleanup(play(flags, directory), remove_directory(directory));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now() - begun);
  DemoLog::answer(fmt::format("{} after {:.1f}s", flags.passed ? "all ten passed" : "failed",
                              static_cast<double>(took.count()) / 1000));
}

}  // namespace

void add_ten_steps(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "ten-steps", "Kills servers of a cluster with kill -9, and sees that nothing is lost");
  const auto flags = std::make_shared<TenStepsFlags>();
  flags->timing.add_to(*command);
  command->callback([flags] {
    static_cast<void>(flags->timing.options());  // refuses times that do not fit together
    RunOptions options;
    options.log_level = LogLevel::warn;
    run(run_ten_steps(*flags), options);
    if (!flags->passed) throw CLI::RuntimeError(1);
  });
  command->footer(
      "Three servers of a replicated map, as processes on this machine, in a temporary directory.\n"
      "Exit codes: 0 all steps passed; 1 one did not.");
}

}  // namespace coracle::demo
