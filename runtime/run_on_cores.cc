#include "runtime/run_on_cores.h"

#include <algorithm>
#include <csignal>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/driver.h"
#include "runtime/error.h"
#include "runtime/leaf.h"
#include "runtime/post.h"

namespace coracle {
namespace {

// Blocks this thread's signals, and so those of the threads that it starts; not those that a thread
// causes itself, nor a profiler's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
      sigdelset(&blocked, own);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// The calling thread's side: it starts the others, and a loop of its own hears from them and
// watches signals. All its state belongs to that loop.
class Cores {
 public:
  Cores(std::size_t count, const CoreMain& make_main, const RunOptions& options);
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;
  ~Cores() { join(); }

  // Starts them and waits for them; a cancellation is handed down.
  Task<> run();
  void join();
  [[nodiscard]] const std::exception_ptr& failure() const { return failure_; }
  [[nodiscard]] RunOptions own_options() const;

 private:
  class AllEnded;

  // What a thread may use until it has told its end.
  struct Core {
    std::thread thread;
    std::optional<LoopRef> loop;  // once it runs
    LoopDriver* driver = nullptr;
  };

  void start_threads();
  void run_core(std::size_t number, const LoopRef& home) noexcept;
  void drive_core(std::size_t number, const LoopRef& home);
  void tell_failure(std::size_t number, std::exception_ptr failure, const LoopRef& home);

  void core_began(std::size_t number, LoopRef loop, LoopDriver& driver);
  void core_failed(std::size_t number, std::exception_ptr failure);
  void core_ended();
  void cancel();
  static void cancel(const Core& core);

  const CoreMain& make_main_;
  RunOptions options_;  // of each core
  bool watch_signals_;
  std::mutex log_turn_;
  std::vector<Core> cores_;
  std::size_t running_ = 0;
  bool canceled_ = false;
  std::exception_ptr failure_;
  AllEnded* waiter_ = nullptr;
};

// Until every thread has told its end. A join: when canceled it asks the loops to stop, and waits.
class [[nodiscard]] Cores::AllEnded final : public Leaf {
 public:
  static constexpr bool kJoin = true;

  explicit AllEnded(Cores& cores) : cores_(cores) {}

  [[nodiscard]] bool try_complete() const { return cores_.running_ == 0; }
  void start() {
    cores_.waiter_ = this;
    if (fiber()->scope().canceled()) cores_.cancel();  // before it waited
  }
  void take() const {}
  void on_cancel() override { cores_.cancel(); }
  void on_tear_down() override { cores_.waiter_ = nullptr; }
  [[nodiscard]] const char* waits_for() const override { return "the loops of other threads"; }

  void ended() { complete(); }

 private:
  Cores& cores_;
};

Cores::Cores(std::size_t count, const CoreMain& make_main, const RunOptions& options)
    : make_main_(make_main),
      options_(options),
      watch_signals_(options.cancel_on_signals),
      cores_(count) {
  options_.cancel_on_signals = false;
  if (!options_.log_sink) return;
  options_.log_sink = [this, &sink = options.log_sink](std::string_view line) {
    const std::lock_guard lock(log_turn_);
    sink(line);
  };
}

RunOptions Cores::own_options() const {
  RunOptions own = options_;
  own.cancel_on_signals = watch_signals_;
  own.dump_tasks_on_sigquit = false;
  own.log_stalls_over = Duration::zero();  // it starts threads
  return own;
}

Task<> Cores::run() {
  start_threads();
  co_await AllEnded(*this);
}

void Cores::join() {
  for (Core& core : cores_) {
    if (core.thread.joinable()) core.thread.join();
  }
}

void Cores::start_threads() {
  const SignalsBlocked inherited;
  for (std::size_t number = 0; number < cores_.size(); ++number) {
    try {
      cores_[number].thread =
          std::thread([this, number, home = current_loop_ref()] { run_core(number, home); });
    } catch (const std::system_error& error) {
      core_failed(number, std::make_exception_ptr(Error(error.code(), "start a thread")));
      return;
    }
    ++running_;
  }
}

// ---- On a thread of its own ----

void Cores::run_core(std::size_t number, const LoopRef& home) noexcept {
  std::exception_ptr no_loop;
  try {
    drive_core(number, home);
  } catch (...) {
    no_loop = std::current_exception();
  }
  if (no_loop) tell_failure(number, std::move(no_loop), home);
  home.post([this] { core_ended(); });
}

void Cores::drive_core(std::size_t number, const LoopRef& home) {
  LoopDriver driver(options_);
  home.post(
      [this, number, &driver, loop = current_loop_ref()] { core_began(number, loop, driver); });
  driver.start(make_main_(number), "core-" + std::to_string(number));
  while (driver.step()) {
  }
  // Told now: the end of the loop may have to wait for connections that linger.
  if (driver.failure()) tell_failure(number, driver.take_failure(), home);
}

// Nothing of it stays on this thread, which would else destroy what another one looks at.
void Cores::tell_failure(std::size_t number, std::exception_ptr failure, const LoopRef& home) {
  home.post([this, number, moved = std::move(failure)] { core_failed(number, moved); });
}

// ---- On the calling thread, posted by the others ----

void Cores::core_began(std::size_t number, LoopRef loop, LoopDriver& driver) {
  Core& core = cores_[number];
  core.loop = std::move(loop);
  core.driver = &driver;
  if (canceled_) cancel(core);
}

void Cores::core_failed(std::size_t number, std::exception_ptr failure) {
  if (failure_) {
    log_warn("further_failure task=core-{} error=\"{}\"", number, describe_exception(failure));
  } else {
    failure_ = std::move(failure);
  }
  cancel();
}

void Cores::core_ended() {
  --running_;
  if (running_ == 0 && waiter_ != nullptr) std::exchange(waiter_, nullptr)->ended();
}

void Cores::cancel() {
  if (std::exchange(canceled_, true)) return;
  for (const Core& core : cores_) cancel(core);
}

// Its driver lives as long as its loop takes what is posted.
void Cores::cancel(const Core& core) {
  if (!core.loop) return;  // not yet: core_began() cancels it
  core.loop->post([driver = core.driver] { driver->cancel_main(); });
}

}  // namespace

void run_on_cores(std::size_t cores, const CoreMain& make_main, const RunOptions& options) {
  if (cores == 0) cores = std::max(1U, std::thread::hardware_concurrency());
  Cores all(cores, make_main, options);
  coracle::run(all.run(), all.own_options());
  all.join();
  if (all.failure()) std::rethrow_exception(all.failure());
}

}  // namespace coracle
