#include "apps/demo_server.h"

#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <utility>

#include "apps/pipe_lines.h"
#include "runtime/error.h"

namespace coracle::demo {
namespace {

constexpr Duration kAnswerTimeout = std::chrono::milliseconds(250);

std::string_view to_string(DemoServer::State state) {
  switch (state) {
    case DemoServer::State::up: return "up";
    case DemoServer::State::down: return "down";
    case DemoServer::State::paused: return "paused";
  }
  return "unknown";
}

std::string how_it_ended(const ExitStatus& status) {
  if (status.signal != 0) return fmt::format("ended by signal {}", status.signal);
  return fmt::format("ended with status {}", status.code);
}

}  // namespace

void DemoServer::start(TaskGroup& group) {
  ProcessOptions options(program_, arguments_);
  options.input = ChildStream::null;
  options.error = ChildStream::pipe;
  options.own_group = true;  // Ctrl-C is for the demo, which ends its servers
  process_ = Process::spawn(options);
  state_ = State::up;
  killed_ = false;
  ended_.reset();
  group.spawn(fmt::format("node-{}", id_), &DemoServer::watch, this);
}

// Shows what the process logs, until it ends.
Task<> DemoServer::watch() {
  PipeLines lines(std::move(process_->error()));
  for (;;) {
    const std::optional<std::string> line = co_await lines.read_line();
    if (!line) break;
    log_.print(id_, *line);
    news_.notify_all();
  }
  const ExitStatus status = co_await process_->wait();
  state_ = State::down;
  if (!killed_) DemoLog::answer(fmt::format("{} ({})", describe(), how_it_ended(status)));
  process_.reset();
  ended_.set();
  news_.notify_all();
}

Task<> DemoServer::kill() {
  killed_ = true;
  process_->kill(SIGKILL);
  co_await ended_.wait();
}

Task<> DemoServer::bury() {
  if (!process_) co_return;
  process_->kill(SIGKILL);
  co_await process_->wait();
  process_.reset();
  state_ = State::down;
}

void DemoServer::pause() {
  process_->kill(SIGSTOP);
  state_ = State::paused;
}

void DemoServer::resume() {
  process_->kill(SIGCONT);
  state_ = State::up;
}

std::string DemoServer::describe() const {
  const std::string pid = process_ ? std::to_string(process_->pid()) : "none";
  return fmt::format("node={} pid={} state={}", id_, pid, to_string(state_));
}

Task<std::optional<ServerStatus>> DemoServer::status() {
  if (state_ != State::up) co_return std::nullopt;
  try {
    co_return co_await ask_status(address_, kAnswerTimeout);
  } catch (const Error&) {
    co_return std::nullopt;  // it has just started, or is ending
  }
}

}  // namespace coracle::demo
