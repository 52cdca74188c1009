#include <spdlog/fmt/fmt.h>

#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/flags.h"
#include "apps/server_status.h"
#include "net/resolve.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

struct StatusFlags {
  std::string address;
  Duration timeout = std::chrono::seconds(2);
};

Task<> show_status(const StatusFlags& flags) {
  const auto addresses = co_await net::resolve(flags.address);
  const ServerStatus status = co_await ask_status(addresses.front(), flags.timeout);
  fmt::print("{}\n", describe_all(status));
}

}  // namespace

void add_status(CLI::App& app) {
  CLI::App* command = app.add_subcommand("status", "Asks one server what it knows");
  const auto flags = std::make_shared<StatusFlags>();
  command->add_option("address", flags->address, "HOST:PORT of the server")->required();
  add_duration(*command, "--timeout", flags->timeout, "How long to wait for its answer");
  command->callback([flags] { run(show_status(*flags)); });
}

}  // namespace coracle::demo
