#include "apps/demo_console.h"

#include <spdlog/fmt/fmt.h>

#include <string>
#include <variant>

#include "apps/map_text.h"
#include "apps/pipe_lines.h"
#include "runtime/error.h"

namespace coracle::demo {
namespace {

constexpr Duration kTasksTimeout = std::chrono::seconds(2);
constexpr Duration kHeldTimeout = std::chrono::milliseconds(500);
constexpr Duration kMapTimeout = std::chrono::seconds(5);  // who types waits no longer

void answer(std::string_view text) { DemoLog::answer(text); }

MapClientOptions options_of_the_console() {
  MapClientOptions options;
  options.timeout = kMapTimeout;
  options.attempt_timeout = kMapTimeout / 10;
  return options;
}

// What a server holds, in words.
Task<std::string> describe_held(const DemoServer& server) {
  if (server.state() != DemoServer::State::up) co_return "is not up";
  try {
    const MapPairs held = co_await ask_held(server.address(), kHeldTimeout);
    co_return "holds " + map_in_a_line(held);
  } catch (const Error& error) {
    co_return fmt::format("does not answer: {}", error.what());
  }
}

}  // namespace

DemoConsole::DemoConsole(DemoCluster& cluster, DemoLog& log, TaskGroup& group)
    : cluster_(cluster),
      log_(log),
      group_(group),
      client_(cluster.addresses(), options_of_the_console()) {}

void DemoConsole::start_all() {
  for (const auto& server : cluster_.servers()) server->start(group_);
}

Task<> DemoConsole::read_commands() {
  PipeLines input(PipeReader::standard_input());
  while (!quit_) {
    const std::optional<std::string> line = co_await input.read_line();
    if (!line || !co_await execute(*line)) co_return;
  }
}

Task<bool> DemoConsole::execute(std::string_view line) {
  const std::optional<DemoCommand> command = parse_demo_command(line);
  if (!command) co_return true;
  Task<> carried_out =
      std::visit([this](const auto& chosen) { return carry_out(chosen); }, *command);
  co_await std::move(carried_out);
  co_return !quit_;
}

Task<> DemoConsole::carry_out(ShowStatus /*command*/) {
  const auto answers = co_await cluster_.ask_all();
  for (std::size_t at = 0; at < answers.size(); ++at) {
    const auto& status = answers[at];
    show(*cluster_.servers()[at], status ? describe(*status) : "role=unknown term=? leader=?");
  }
}

Task<> DemoConsole::carry_out(WaitLeader command) {
  const TimePoint begun = now();
  const auto view = co_await cluster_.wait_leader(command.timeout);
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now() - begun);
  if (view) {
    answer(fmt::format("leader={} term={} after={}ms", view->leader, view->term, waited.count()));
  } else {
    answer(fmt::format("leader=none after={}ms", waited.count()));
  }
}

Task<> DemoConsole::carry_out(KillServer command) {
  DemoServer* server = co_await find(command.which);
  if (server == nullptr) co_return;
  if (server->state() == DemoServer::State::down) {
    show(*server, "(it is down already)");
    co_return;
  }
  co_await server->kill();
  show(*server);
}

Task<> DemoConsole::carry_out(StartServer command) {
  DemoServer* server = co_await find({command.number});
  if (server == nullptr) co_return;
  if (server->state() != DemoServer::State::down) {
    show(*server, "(it runs already)");
    co_return;
  }
  server->start(group_);
  show(*server);
}

Task<> DemoConsole::carry_out(PauseServer command) {
  DemoServer* server = co_await find(command.which);
  if (server == nullptr) co_return;
  if (server->state() != DemoServer::State::up) {
    show(*server, "(only a server that is up can be paused)");
    co_return;
  }
  server->pause();
  show(*server);
}

Task<> DemoConsole::carry_out(ResumeServer command) {
  DemoServer* server = co_await find({command.number});
  if (server == nullptr) co_return;
  if (server->state() != DemoServer::State::paused) {
    show(*server, "(only a paused server can be resumed)");
    co_return;
  }
  server->resume();
  show(*server);
}

Task<> DemoConsole::carry_out(ShowTasks command) {
  DemoServer* server = co_await find({command.number});
  if (server == nullptr) co_return;
  if (server->state() != DemoServer::State::up) {
    show(*server, "(only a server that is up can answer)");
    co_return;
  }
  try {
    answer(co_await ask_tasks(server->address(), kTasksTimeout));
  } catch (const Error& error) {
    answer(fmt::format("node={} does not answer: {}", server->id(), error.what()));
  }
}

Task<> DemoConsole::carry_out(SetKey command) {
  try {
    const std::optional<std::string> before = co_await client_.put(command.key, command.value);
    answer(fmt::format("{}={} (was {})", map_text(command.key), map_text(command.value),
                       before ? map_text(*before) : "absent"));
  } catch (const Error& error) {
    answer(error.what());
  }
}

Task<> DemoConsole::carry_out(GetKey command) {
  try {
    const std::optional<std::string> found = co_await client_.get(command.key);
    answer(
        fmt::format("{}{}", map_text(command.key), found ? "=" + map_text(*found) : " is absent"));
  } catch (const Error& error) {
    answer(error.what());
  }
}

Task<> DemoConsole::carry_out(DumpMap /*command*/) {
  try {
    const MapPairs pairs = co_await client_.dump();
    answer("the map is " + map_in_a_line(pairs));
  } catch (const Error& error) {
    answer(error.what());
  }
  for (const auto& server : cluster_.servers()) {
    const std::string held = co_await describe_held(*server);
    answer(fmt::format("node={} {}", server->id(), held));
  }
}

Task<> DemoConsole::carry_out(SetLog command) {
  log_.set_detail(command.detail);
  co_return;
}

Task<> DemoConsole::carry_out(ShowHelp /*command*/) {
  answer(demo_help());
  co_return;
}

Task<> DemoConsole::carry_out(Quit /*command*/) {
  quit_ = true;
  co_return;
}

Task<> DemoConsole::carry_out(Misunderstood command) {
  answer(command.reason);
  co_return;
}

Task<DemoServer*> DemoConsole::find(WhichServer which) {
  std::uint64_t number = 0;
  if (which.number) {
    number = *which.number;
  } else {
    const std::optional<LeaderView> leader = co_await cluster_.find_leader();
    if (!leader) {
      answer("leader=none (wait-leader waits for one)");
      co_return nullptr;
    }
    number = leader->leader;
  }
  DemoServer* server = cluster_.find(number);
  if (server == nullptr) {
    answer(fmt::format("no server {}: there are 1 to {}", number, cluster_.servers().size()));
  }
  co_return server;
}

void DemoConsole::show(const DemoServer& server, std::string_view note) {
  answer(fmt::format("{}{}{}", server.describe(), note.empty() ? "" : " ", note));
}

}  // namespace coracle::demo
