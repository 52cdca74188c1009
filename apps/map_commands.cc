// `coracle get`, `set` and `dump`: the replicated map from the command line.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/flags.h"
#include "apps/map_client.h"
#include "apps/map_text.h"
#include "net/resolve.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUnknown = 2;

// What all three take, and how they end: as an interrupt finds them, unless they know better.
struct MapFlags {
  std::vector<std::string> servers;
  Duration timeout = MapClientOptions().timeout;
  int exit_code = kFailed;

  void add_to(CLI::App& app) {
    app.add_option("--servers", servers, "HOST:PORT,... of the cluster's servers, all or some")
        ->delimiter(',')
        ->envname("CORACLE_SERVERS")
        ->required();
    add_duration(app, "--timeout", timeout, "How long to go on trying");
  }
  [[nodiscard]] MapClientOptions options() const {
    MapClientOptions options;
    options.timeout = timeout;
    options.attempt_timeout = std::min(timeout, options.attempt_timeout);
    return options;
  }
};

struct GetFlags : MapFlags {
  std::string key;
};

struct SetFlags : MapFlags {
  std::string key;
  std::string value;
  std::optional<std::string> expected;
  bool if_absent = false;
  bool append = false;
};

struct DumpFlags : MapFlags {
  bool held = false;
};

Task<std::vector<net::Address>> addresses_of(const MapFlags& flags) {
  std::vector<net::Address> addresses;
  for (const std::string& server : flags.servers) {
    const auto found = co_await net::resolve(server);
    addresses.push_back(found.front());
  }
  co_return addresses;
}

Task<> get(GetFlags& flags) {
  const std::vector<net::Address> servers = co_await addresses_of(flags);
  MapClient client(servers, flags.options());
  const std::optional<std::string> found = co_await client.get(flags.key);
  if (found) {
    fmt::print("{}\n", *found);
    flags.exit_code = kDone;
  } else {
    fmt::print(stderr, "there is no key {}\n", map_text(flags.key));
  }
}

Task<raft::MapResult> write(MapClient& client, const SetFlags& flags) {
  raft::MapCommand command{.kind = raft::MapCommand::Kind::put,
                           .key = flags.key,
                           .value = flags.value,
                           .expected = flags.expected};
  if (flags.append) command.kind = raft::MapCommand::Kind::append;
  if (flags.expected || flags.if_absent) command.kind = raft::MapCommand::Kind::compare_and_set;
  return client.apply(std::move(command));
}

Task<> set(SetFlags& flags) {
  const std::vector<net::Address> servers = co_await addresses_of(flags);
  MapClient client(servers, flags.options());
  flags.exit_code = kUnknown;
  try {
    const raft::MapResult result = co_await write(client, flags);
    const std::string before = result.found ? map_text(*result.found) : "absent";
    if (result.done) {
      const std::string after = (flags.append ? result.found.value_or("") : "") + flags.value;
      fmt::print("{}={} (was {})\n", map_text(flags.key), map_text(after), before);
      flags.exit_code = kDone;
    } else {
      fmt::print(stderr, "{} is not set: it is {}\n", map_text(flags.key), before);
      flags.exit_code = kFailed;
    }
  } catch (const MapOutcomeUnknown& unknown) {
    fmt::print(stderr, "coracle: {}\n", unknown.what());
    co_return;
  }
  co_await client.close();
}

Task<> dump(DumpFlags& flags) {
  const std::vector<net::Address> servers = co_await addresses_of(flags);
  MapPairs pairs;
  if (flags.held) {
    pairs = co_await ask_held(servers.front(), flags.timeout);
  } else {
    MapClient client(servers, flags.options());
    pairs = co_await client.dump();
  }
  fmt::print("{}", map_lines(pairs));
  flags.exit_code = kDone;
}

template <class Flags>
void run_with(const std::shared_ptr<Flags>& flags, Task<> (*command)(Flags&)) {
  RunOptions options;
  options.log_level = LogLevel::warn;
  run(command(*flags), options);
  if (flags->exit_code != kDone) throw CLI::RuntimeError(flags->exit_code);
}

}  // namespace

void add_get(CLI::App& app) {
  CLI::App* command = app.add_subcommand("get", "Reads a key of the replicated map");
  const auto flags = std::make_shared<GetFlags>();
  command->add_option("key", flags->key, "Which")->required();
  flags->add_to(*command);
  command->callback([flags] { run_with(flags, get); });
  command->footer(
      "Prints what stands there: what was acknowledged last, whichever server answers.\n"
      "Exit codes: 0 done; 1 there is no such key, or no server could answer.");
}

void add_set(CLI::App& app) {
  CLI::App* command = app.add_subcommand("set", "Writes a key of the replicated map");
  const auto flags = std::make_shared<SetFlags>();
  command->add_option("key", flags->key, "Which")->required();
  command->add_option("value", flags->value, "What is to stand there")->required();
  CLI::Option* expected = command->add_option("--if", flags->expected, "Only if this stands there");
  CLI::Option* absent =
      command->add_flag("--if-absent", flags->if_absent, "Only if there is no such key");
  CLI::Option* append =
      command->add_flag("--append", flags->append, "Adds the value behind what stands there");
  expected->excludes(absent)->excludes(append);
  absent->excludes(append);
  flags->add_to(*command);
  command->callback([flags] { run_with(flags, set); });
  command->footer(
      "The write takes effect once, however often it has to be sent.\n"
      "Exit codes: 0 done; 1 not done; 2 unknown: it may have taken effect, or do so later.");
}

void add_dump(CLI::App& app) {
  CLI::App* command = app.add_subcommand("dump", "Prints the replicated map");
  const auto flags = std::make_shared<DumpFlags>();
  command->add_flag("--held", flags->held,
                    "What the first of --servers holds now, which others may have outgrown");
  flags->add_to(*command);
  command->callback([flags] { run_with(flags, dump); });
  command->footer("Exit codes: 0 done; 1 no server could answer.");
}

}  // namespace coracle::demo
