#include "runtime/sim/sim_back_end.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "runtime/error.h"
#include "runtime/loop.h"
#include "runtime/sim/pool_work.h"
#include "runtime/sim/sim_child.h"
#include "runtime/sim/sim_process.h"
#include "runtime/sim/simulation.h"

namespace coracle::sim {
namespace {

constexpr std::ptrdiff_t kPoolThreads = 4;  // as libuv has
constexpr std::size_t kEventsShownAtAFailure = 40;

}  // namespace

class SimSignalWatch final : public SignalWatch {
 public:
  SimSignalWatch(SimBackEnd& back_end, int number, SignalSink& sink)
      : back_end_(back_end), sink_(sink) {
    place_ = back_end_.watches_.emplace(number, this);
  }
  SimSignalWatch(const SimSignalWatch&) = delete;
  SimSignalWatch& operator=(const SimSignalWatch&) = delete;
  ~SimSignalWatch() override { back_end_.watches_.erase(place_); }

  [[nodiscard]] SignalSink& sink() const { return sink_; }

 private:
  SimBackEnd& back_end_;
  SignalSink& sink_;
  std::multimap<int, SimSignalWatch*>::iterator place_;
};

SimBackEnd::SimBackEnd(SimProcess& process) : process_(process) {}

SimBackEnd::~SimBackEnd() {
  CORACLE_CHECK(pool_.empty() && watches_.empty(), "every request ends before its loop");
}

Host& SimBackEnd::host() const { return process_.host(); }

// ---- Notices ----

void SimBackEnd::post(Notice& notice) {
  if (notice.posted_) return;
  notice.posted_ = true;
  posted_.push_back(&notice);
  process_.look();
}

void SimBackEnd::withdraw(Notice& notice) {
  if (!notice.posted_) return;
  notice.posted_ = false;
  posted_.erase(std::ranges::find(posted_, &notice));
}

// What arrives while others are told waits for the next poll, or takes the place of one of them.
void SimBackEnd::poll(TimePoint /*earliest*/, bool /*may_wait: the world waits*/) {
  for (std::size_t left = posted_.size(); left > 0 && !posted_.empty(); --left) {
    if (loop_->stopped()) return;
    const std::size_t drawn =
        posted_.size() == 1 ? 0 : host().world().random().below(posted_.size());
    Notice& notice = *posted_[drawn];
    posted_.erase(posted_.begin() + static_cast<std::ptrdiff_t>(drawn));
    notice.posted_ = false;
    notice.arrived();
    loop_->run_ready();
  }
}

void SimBackEnd::run_posted() { loop_->run_posted(); }

TimePoint SimBackEnd::now() { return host().clock().shown_at(host().world().now()); }

WallTime SimBackEnd::wall_time() { return host().wall_time(); }

Duration SimBackEnd::rough_time() { return host().world().now().time_since_epoch(); }

// ---- Signals ----

std::unique_ptr<SignalWatch> SimBackEnd::watch_signal(int number, SignalSink& sink) {
  if (number == SIGKILL || number == SIGSTOP || number < 1 || number >= NSIG) {
    throw Error(EINVAL, "watch signal", std::to_string(number));
  }
  return std::make_unique<SimSignalWatch>(*this, number, sink);
}

void SimBackEnd::signal(int number) {
  signals_.insert(number);
  post(signals_arrived_);
}

void SimBackEnd::deliver_signals() {
  for (const int number : std::exchange(signals_, {})) {
    std::vector<SignalSink*> sinks;
    const auto [first, last] = watches_.equal_range(number);
    for (auto watch = first; watch != last; ++watch) sinks.push_back(&watch->second->sink());
    for (SignalSink* sink : sinks) sink->signaled(number);
    if (sinks.empty()) process_.take_default_action(number);
  }
}

// ---- The pool ----

void SimBackEnd::perform_blocking(BlockingRequest& request) {
  queue(std::make_unique<PoolWork>(*this, request));
}

void SimBackEnd::perform_file(FileRequest& request) {
  queue(std::make_unique<PoolWork>(*this, request));
}

void SimBackEnd::queue(std::unique_ptr<PoolWork> work) {
  pool_.push_back(std::move(work));
  begin_queued();
}

void SimBackEnd::release_file_work() {
  for (const auto& work : pool_) {
    if (work->held()) work->release();
  }
}

void SimBackEnd::begin_queued() {
  auto busy = std::ranges::count_if(pool_, [](const auto& work) { return work->in_progress(); });
  for (const auto& work : pool_) {
    if (busy >= kPoolThreads) return;
    if (!work->queued()) continue;
    if (!work->begin()) return;
    ++busy;
  }
}

std::unique_ptr<PoolWork> SimBackEnd::take(PoolWork& work) {
  const auto place = std::ranges::find(pool_, &work, &std::unique_ptr<PoolWork>::get);
  std::unique_ptr<PoolWork> taken = std::move(*place);
  pool_.erase(place);
  return taken;
}

void SimBackEnd::cancel(Request& request) {
  auto* work = static_cast<PoolWork*>(request.ticket);
  if (work->queued()) work->cancel();
}

bool SimBackEnd::abandon(Request& request) {
  return static_cast<PoolWork*>(request.ticket)->abandon();
}

void SimBackEnd::close_file(int descriptor) noexcept { host().disk().close(descriptor); }

// ---- Processes ----

std::unique_ptr<Child> SimBackEnd::spawn_child(const ProcessOptions& options, ChildSink& sink,
                                               ChildPipes& pipes) {
  return start_child(*this, options, sink, pipes);
}

std::unique_ptr<PipeEnd> SimBackEnd::standard_input() { return process_.take_standard_input(); }

std::string SimBackEnd::program_path() { return "/bin/" + host().name(); }

void SimBackEnd::check_failed(std::string_view /*message*/) {
  Simulation& world = host().world();
  std::cerr << "  in the simulation of seed " << world.seed() << ", on host " << host().name()
            << ", after " << world.now().time_since_epoch().count() << " ns\n"
            << "  what happened before:\n";
  world.trace().write_tail(std::cerr, kEventsShownAtAFailure);
}

}  // namespace coracle::sim
