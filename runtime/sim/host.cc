#include "runtime/sim/host.h"

#include <algorithm>
#include <csignal>

#include "runtime/check.h"
#include "runtime/log.h"
#include "runtime/sim/sim_process.h"
#include "runtime/sim/simulation.h"

namespace coracle::sim {

Host::Host(Simulation& world, std::string_view name, std::uint32_t number)
    : world_(world), name_(name), number_(number), disk_(world.random()) {
  disk_.at_release([this] {
    for (const auto& [pid, process] : processes_) process->back_end().release_file_work();
  });
  disk_.observe_decisions([this](const DiskDecision& decision) {
    trace("disk", {{"decision", decision.what},
                   {"how", decision.how},
                   {"path", decision.path},
                   {"value", decision.value}});
  });
}

Host::~Host() = default;

void Host::trace(std::string_view event, std::initializer_list<Fact> facts) {
  world_.trace().add(world_.now(), name_, event, facts);
}

// ---- Processes ----

void Host::restart() {
  CORACLE_CHECK(main_process_ == nullptr, "one process runs on a host, and its children");
  CORACLE_CHECK(main_ != nullptr, "start() comes before restart()");
  if (!powered_) {
    powered_ = true;
    trace("booted");
    for (const auto& observer : power_observers_) observer(true);
  }
  failure_ = nullptr;
  main_process_ = &add_process();
  trace("started", {{"pid", main_process_->pid()}});
  main_process_->start(main_);
}

SimProcess& Host::add_process() {
  const int pid = ++last_pid_;
  return *(processes_[pid] = std::make_unique<SimProcess>(*this, pid, options_));
}

bool Host::paused() const { return main_process_ != nullptr && main_process_->paused(); }

void Host::process_ended(SimProcess& process, const std::exception_ptr& failure) {
  if (failure == nullptr) {
    trace("ended", {{"pid", process.pid()}});
  } else {
    trace("failed", {{"pid", process.pid()}, {"error", describe_exception(failure)}});
  }
  if (&process == main_process_) failure_ = failure;
  end_process(process, {.code = failure == nullptr ? 0 : 1, .signal = 0});
}

void Host::kill(SimProcess& process, int signal) {
  process.when_suspended([this, &process, signal] {
    trace("killed", {{"pid", process.pid()}, {"signal", signal}});
    end_process(process, {.code = 0, .signal = signal});
  });
}

// Its sockets end with the process; the disk gives back what it held open.
void Host::end_process(SimProcess& process, ExitStatus status) {
  const int pid = process.pid();
  if (&process == main_process_) main_process_ = nullptr;
  auto ended = processes_.extract(pid);
  ended.mapped()->tell_end(status);
  ended.mapped().reset();
  disk_.end_process(pid);
}

// ---- Faults ----

void Host::crash() {
  if (main_process_ != nullptr) kill(*main_process_, SIGKILL);
}

void Host::crash_machine() {
  if (!powered_) return;
  const auto in_pass =
      std::ranges::find_if(processes_, [](const auto& entry) { return entry.second->in_pass(); });
  if (in_pass == processes_.end()) return lose_power();
  in_pass->second->when_suspended([this] { lose_power(); });
}

void Host::lose_power() {
  trace("lost_power");
  powered_ = false;
  for (const auto& observer : power_observers_) observer(false);
  end_all();
  disk_.lose_power();
}

void Host::end_all() {
  while (!processes_.empty()) {
    end_process(*processes_.begin()->second, {.code = 0, .signal = SIGKILL});
  }
}

void Host::pause() {
  if (main_process_ == nullptr || paused()) return;
  trace("paused");
  main_process_->pause();
}

void Host::resume() {
  if (!paused()) return;
  trace("resumed");
  main_process_->resume();
}

void Host::signal(int number) {
  if (main_process_ == nullptr) return;
  trace("signaled", {{"number", number}});
  main_process_->signal(number);
}

void Host::set_clock_rate(std::int64_t millionths) {
  trace("set_clock_rate", {{"millionths", millionths}});
  clock_.set_rate(world_.now(), millionths);
  for (const auto& [pid, process] : processes_) process->look();
}

void Host::jump_clock(Duration ahead) {
  trace("jumped_clock", {{"nanoseconds", ahead.count()}});
  clock_.jump(world_.now(), ahead);
  for (const auto& [pid, process] : processes_) process->look();
}

void Host::set_wall_time(Duration by) {
  trace("set_wall_time", {{"nanoseconds", by.count()}});
  wall_ahead_ += by;
}

WallTime Host::wall_time() const {
  constexpr WallTime kStart{std::chrono::sys_days(std::chrono::January / 1 / 2000)};
  return kStart + clock_.shown_at(world_.now()).time_since_epoch() + wall_ahead_;
}

void Host::at_power_change(std::function<void(bool)> observer) {
  power_observers_.push_back(std::move(observer));
}

}  // namespace coracle::sim
