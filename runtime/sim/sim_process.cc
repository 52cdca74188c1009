#include "runtime/sim/sim_process.h"

#include <csignal>
#include <sstream>
#include <utility>

#include "runtime/dump_tasks.h"
#include "runtime/sim/sim_pipe.h"
#include "runtime/sim/simulation.h"

namespace coracle::sim {
namespace {

constexpr std::uint64_t kLivelock = 1'000'000;  // resumptions at one instant

}  // namespace

SimProcess::SimProcess(Host& host, int pid, const RunOptions& options) : host_(host), pid_(pid) {
  auto back_end = std::make_unique<SimBackEnd>(*this);
  back_end_ = back_end.get();
  RunOptions logged = options;
  logged.log_sink = [this](std::string_view line) { log(line); };
  const std::uint64_t seed = host.world().random().next();
  driver_ = std::make_unique<LoopDriver>(std::move(back_end), seed, logged);
}

// What its fibers still wait for goes first, then its part of the kernel, then the loop itself.
SimProcess::~SimProcess() {
  driver_->tear_down();
  driver_->loop().end_extension();
  input_.reset();
  error_.reset();
  driver_.reset();
  host_.world().agenda().cancel(*this);
}

void SimProcess::start(const std::function<Task<>()>& main) {
  const CurrentLoop current(loop());
  host_.world().prepare(*this, loop());
  driver_->start(main());
  look();
}

// ---- When it makes a pass ----

TimePoint SimProcess::next_pass() {
  if (paused_) return kNever;
  if (loop().has_ready() || back_end_->has_posted()) return host_.world().now();
  const TimePoint earliest = loop().timers().earliest();
  return earliest == kNever ? kNever : host_.clock().world_time_of(earliest);
}

void SimProcess::look() {
  if (in_pass_) return;
  const TimePoint next = next_pass();
  if (next == kNever) {
    host_.world().agenda().cancel(*this);
  } else if (!armed() || deadline() != next) {
    host_.world().agenda().plan(*this, next);
  }
}

void SimProcess::expired() {
  in_pass_ = true;
  const bool runs = driver_->step();
  in_pass_ = false;
  host_.world().passed(*this);
  if (when_suspended_) return std::exchange(when_suspended_, nullptr)();
  if (!runs && !driver_->busy()) return host_.process_ended(*this, driver_->failure());
  count_resumptions();
  look();
}

void SimProcess::count_resumptions() {
  const TimePoint now = host_.world().now();
  const std::uint64_t resumptions = loop().resumptions();
  if (std::exchange(instant_, now) != now) resumptions_before_ = resumptions;
  if (resumptions - resumptions_before_ < kLivelock) return;
  std::ostringstream text;
  text << "host " << host_.name() << " was resumed a million times at one instant:\n";
  const CurrentLoop current(loop());
  dump_tasks(text);
  throw Livelock(text.str());
}

void SimProcess::pause() {
  paused_ = true;
  look();
}

void SimProcess::resume() {
  paused_ = false;
  look();
}

// ---- How it ends ----

void SimProcess::when_suspended(std::function<void()> act) {
  if (!in_pass_) return act();
  if (when_suspended_) return;  // it ends already
  when_suspended_ = std::move(act);
  loop().stop_resuming();
}

void SimProcess::tell_end(ExitStatus status) {
  if (at_end_) std::exchange(at_end_, nullptr)(status);
}

void SimProcess::signal(int number) {
  switch (number) {
    case SIGKILL: return host_.kill(*this, SIGKILL);
    case SIGSTOP: return pause();
    case SIGCONT: return resume();
    default: back_end_->signal(number);
  }
}

void SimProcess::take_default_action(int number) {
  switch (number) {
    case SIGPIPE:  // run() ignores it
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH: return;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU: return pause();
    default: host_.kill(*this, number);
  }
}

// ---- Its streams ----

std::unique_ptr<PipeEnd> SimProcess::take_standard_input() {
  if (input_ != nullptr) return std::move(input_);
  return make_null_end("standard input");
}

// A line that its reader does not take is lost, as everything is that nobody reads.
void SimProcess::log(std::string_view line) {
  constexpr std::size_t kShown = 4000;
  host_.trace("log", {{"pid", pid_}, {"line", line.substr(0, kShown)}});
  if (host_.options().log_sink) host_.options().log_sink(line);
  if (error_ == nullptr) return;
  const std::string text = std::string(line) + "\n";
  static_cast<void>(error_->write(std::as_bytes(std::span(text))));
}

}  // namespace coracle::sim
