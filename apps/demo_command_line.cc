#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "apps/cluster_number.h"
#include "apps/commands.h"
#include "apps/demo_console.h"
#include "apps/timing_flags.h"
#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/shielded.h"

namespace coracle::demo {
namespace {

struct DemoFlags {
  std::uint64_t nodes = 3;
  std::string data;
  TimingFlags timing;
};

// https://no-color.org: a user who does not want color says so to all programs at once.
bool wants_color() { return isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr; }

void introduce(const Members& members) {
  for (const auto& [id, address] : members) {
    DemoLog::answer(fmt::format("node={} address={}", id, address.to_string()));
  }
  DemoLog::answer("Commands: status, wait-leader, kill leader, start N, ...; help lists them.");
}

Task<> play(const DemoFlags& flags, const std::string& directory) {
  DemoLog log(wants_color());
  const Members members = free_members(flags.nodes);
  const std::uint64_t number = co_await cluster_number(directory);
  DemoCluster cluster(this_program(), number, members, flags.timing.arguments(), directory, log);
  introduce(members);
  Task<> playing = task_group([&](TaskGroup& group) -> Task<> {
    DemoConsole console(cluster, log, group);
    console.start_all();
    co_await console.read_commands();
    group.cancel();
  });
  co_await with_cleanup(std::move(playing), cluster.bury());
}

Task<> remove_directory(std::string directory) { co_await remove_tree(directory); }

Task<> run_demo(const DemoFlags& flags) {
  if (!flags.data.empty()) {
    co_await make_directory(flags.data);
    co_await play(flags, flags.data);
    co_return;
  }
  const std::string directory = co_await make_temporary_directory("coracle-demo-");
  co_await with_cleanup(play(flags, directory), remove_directory(directory));
}

}  // namespace

void add_demo(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "demo", "Starts a cluster on this machine and takes commands on standard input");
  const auto flags = std::make_shared<DemoFlags>();
  command->add_option("--nodes", flags->nodes, "How many servers")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  command->add_option("--data", flags->data,
                      "Where the servers keep their data, and find it again; without it in a "
                      "temporary directory");
  flags->timing.add_to(*command);
  command->callback([flags] {
    static_cast<void>(flags->timing.options());  // refuses times that do not fit together
    RunOptions options;
    options.log_level = LogLevel::warn;  // its servers are what one wants to see
    run(run_demo(*flags), options);
  });
  command->footer(std::string("Commands on standard input:\n") + std::string(demo_help()));
}

}  // namespace coracle::demo
