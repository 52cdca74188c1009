#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/map_server.h"
#include "apps/members_flag.h"
#include "apps/timing_flags.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

struct ServeFlags {
  MapServerSetup server;
  LogLevel log_level = LogLevel::info;
  TimingFlags timing;
};

void read_members(ServeFlags& flags, const std::string& text) {
  const std::optional<Members> members = parse_members(text);
  if (!members) {
    throw CLI::ValidationError(
        "--members", "`" + text + "` is not of the form 1=127.0.0.1:7101,2=127.0.0.1:7102");
  }
  flags.server.members = *members;
}

void check(const ServeFlags& flags) {
  const MapServerSetup& server = flags.server;
  if (!server.members.contains(server.id)) {
    throw CLI::ValidationError("--id", std::to_string(server.id) + " is not among --members " +
                                           print_members(server.members));
  }
}

}  // namespace

void add_serve(CLI::App& app) {
  CLI::App* command = app.add_subcommand("serve", "Runs one server of a cluster, until Ctrl-C");
  const auto flags = std::make_shared<ServeFlags>();
  command->add_option("--id", flags->server.id, "Which of the members this server is")->required();
  command
      ->add_option_function<std::string>(
          "--members", [flags](const std::string& text) { read_members(*flags, text); },
          "All servers: 1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103")
      ->required();
  command
      ->add_option("--cluster", flags->server.cluster,
                   "The number of its cluster: servers of another are refused")
      ->capture_default_str();
  command
      ->add_option("--data", flags->server.data, "The directory for its term, its vote and its log")
      ->required();
  flags->timing.add_to(*command);
  const std::map<std::string, LogLevel> levels{
      {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}};
  command->add_option("--log", flags->log_level, "How much to log: every event, elections, trouble")
      ->transform(CLI::CheckedTransformer(levels))
      ->default_str("info");
  command->callback([flags] {
    check(*flags);
    flags->server.options = flags->timing.options();
    RunOptions options;
    options.log_level = flags->log_level;
    run(run_map_server(flags->server), options);
  });
}

}  // namespace coracle::demo
