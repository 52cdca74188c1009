#include "apps/demo_console.h"

#include <spdlog/fmt/fmt.h>

#include <string>
#include <variant>

#include "apps/pipe_lines.h"
#include "runtime/error.h"

namespace coracle::demo {
namespace {

constexpr Duration kTasksTimeout = std::chrono::seconds(2);

void answer(std::string_view text) { DemoLog::answer(text); }

}  // namespace

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
