#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "apps/commands.h"
#include "apps/members_flag.h"
#include "apps/server_status.h"
#include "apps/timing_flags.h"
#include "net/tcp.h"
#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "raft/rpc_transport.h"
#include "runtime/dump_tasks.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

struct ServeFlags {
  std::uint64_t id = 0;
  raft::ClusterId cluster = 1;
  Members members;
  std::string data;
  LogLevel log_level = LogLevel::info;
  TimingFlags timing;
};

ServerStatus status_of(const raft::Node& node) {
  const raft::Status status = node.status();
  return {.id = status.id,
          .role = std::string(status.role),
          .term = status.term,
          .leader = status.leader,
          .vote = status.vote,
          .commit_index = status.commit_index,
          .last_index = node.state().log().last().index};
}

std::string tasks_as_text() {
  std::ostringstream text;
  dump_tasks(text);
  return text.str();
}

Task<> serve(const ServeFlags& flags) {
  std::map<raft::ServerId, net::Address> peers(flags.members.begin(), flags.members.end());
  const net::Address own_address = peers.extract(flags.id).mapped();
  std::vector<raft::ServerId> voters;
  for (const auto& [id, address] : flags.members) voters.push_back(id);

  raft::DiskStorage storage = co_await raft::DiskStorage::open(flags.data, flags.cluster, flags.id);
  raft::RpcTransport transport(net::TcpListener::listen(own_address), peers);
  raft::Configuration configuration(voters);
  raft::ReplicatedMap map;
  raft::Node node(storage, configuration, transport, map, flags.timing.options());
  transport.server().handle("status", [&node] { return status_of(node); });
  transport.server().handle("tasks", tasks_as_text);
  co_await node.run();
}

void read_members(ServeFlags& flags, const std::string& text) {
  const std::optional<Members> members = parse_members(text);
  if (!members) {
    throw CLI::ValidationError(
        "--members", "`" + text + "` is not of the form 1=127.0.0.1:7101,2=127.0.0.1:7102");
  }
  flags.members = *members;
}

void check(const ServeFlags& flags) {
  if (!flags.members.contains(flags.id)) {
    throw CLI::ValidationError("--id", std::to_string(flags.id) + " is not among --members " +
                                           print_members(flags.members));
  }
  static_cast<void>(flags.timing.options());
}

}  // namespace

void add_serve(CLI::App& app) {
  CLI::App* command = app.add_subcommand("serve", "Runs one server of a cluster, until Ctrl-C");
  const auto flags = std::make_shared<ServeFlags>();
  command->add_option("--id", flags->id, "Which of the members this server is")->required();
  command
      ->add_option_function<std::string>(
          "--members", [flags](const std::string& text) { read_members(*flags, text); },
          "All servers: 1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103")
      ->required();
  command
      ->add_option("--cluster", flags->cluster,
                   "The number of its cluster: servers of another are refused")
      ->capture_default_str();
  command->add_option("--data", flags->data, "The directory for its term and vote")->required();
  flags->timing.add_to(*command);
  const std::map<std::string, LogLevel> levels{
      {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}};
  command->add_option("--log", flags->log_level, "How much to log: every event, elections, trouble")
      ->transform(CLI::CheckedTransformer(levels))
      ->default_str("info");
  command->callback([flags] {
    check(*flags);
    RunOptions options;
    options.log_level = flags->log_level;
    run(serve(*flags), options);
  });
}

}  // namespace coracle::demo
