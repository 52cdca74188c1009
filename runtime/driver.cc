#include "runtime/driver.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <csignal>
#include <iostream>
#include <optional>
#include <utility>

#include "runtime/dump_tasks.h"
#include "runtime/frame_pool.h"
#include "runtime/spawned.h"

namespace coracle {
namespace {

class FunctionSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> function)
      : function_(std::move(function)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    function_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

  std::function<void(std::string_view)> function_;
};

std::shared_ptr<spdlog::logger> make_logger(const RunOptions& options) {
  spdlog::sink_ptr sink;
  if (options.log_sink) {
    sink = std::make_shared<FunctionSink>(options.log_sink);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  auto logger = std::make_shared<spdlog::logger>("coracle", std::move(sink));
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::warn);
  return logger;
}

SpawnedTask main_root(SpawnPlace /*place: for the promise*/, Task<> task) {
  co_await std::move(task);
}

// The first SIGINT or SIGTERM cancels main; SIGQUIT prints the tasks.
class ProcessSignals final : public SignalSink {
 public:
  ProcessSignals(BackEnd& back_end, const RunOptions& options, LoopDriver& driver)
      : driver_(driver) {
    if (options.cancel_on_signals) {
      interrupt_ = back_end.watch_signal(SIGINT, *this);
      terminate_ = back_end.watch_signal(SIGTERM, *this);
    }
    if (options.dump_tasks_on_sigquit) quit_ = back_end.watch_signal(SIGQUIT, *this);
  }

  void signaled(int number) override {
    if (number == SIGQUIT) {
      dump_tasks(std::cerr);
      return;
    }
    interrupt_.reset();  // the second one has its default action
    terminate_.reset();
    log_info("canceled_by_signal signal={}", number);
    driver_.cancel_main();
  }

 private:
  LoopDriver& driver_;
  std::unique_ptr<SignalWatch> interrupt_;
  std::unique_ptr<SignalWatch> terminate_;
  std::unique_ptr<SignalWatch> quit_;
};

// Says once why a loop does not end, when that takes long.
class LateNotice final : private TimerNode {
 public:
  LateNotice(Loop& loop, const LoopExtension& extension) : loop_(loop), extension_(extension) {
    constexpr Duration kPatience = std::chrono::seconds(1);
    const CurrentLoop current(loop_);
    loop_.timers().arm(*this, deadline_after(now(), kPatience));
  }
  LateNotice(const LateNotice&) = delete;
  LateNotice& operator=(const LateNotice&) = delete;
  ~LateNotice() { loop_.timers().disarm(*this); }

 private:
  void expired() override { log_info("loop_waits_at_its_end for=\"{}\"", extension_.busy_with()); }

  Loop& loop_;
  const LoopExtension& extension_;
};

}  // namespace

struct LoopDriver::Parts {
  Parts(std::unique_ptr<BackEnd> made, std::uint64_t seed, const RunOptions& options,
        LoopDriver& driver)
      : back_end(std::move(made)), loop(*back_end, seed, make_logger(options)) {
    const CurrentLoop current(loop);
    set_log_level(options.log_level);
    loop.log_stalls_over(options.log_stalls_over);
    back_end->serve(loop);
    signals.emplace(*back_end, options, driver);
  }
  ~Parts() {
    const CurrentLoop current(loop);
    signals.reset();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  std::unique_ptr<BackEnd> back_end;
  Loop loop;
  std::optional<CurrentLoop> current_always;
  std::optional<ProcessSignals> signals;
  Fiber* main = nullptr;
  FrameLink* main_root = nullptr;
};

LoopDriver::LoopDriver(std::unique_ptr<BackEnd> back_end, std::uint64_t seed,
                       const RunOptions& options)
    : parts_(std::make_unique<Parts>(std::move(back_end), seed, options, *this)) {}

LoopDriver::~LoopDriver() {
  drain();
  if (parts_->main_root != nullptr) {
    CORACLE_CHECK(parts_->main->ended(), "a loop ends after its main task");
    const CurrentLoop current(parts_->loop);
    SpawnedTask::destroy(*parts_->main_root);
  }
  parts_.reset();
  FramePool::trim();
}

void LoopDriver::stay_current() { parts_->current_always.emplace(parts_->loop); }

Loop& LoopDriver::loop() { return parts_->loop; }

void LoopDriver::start(Task<> main, std::string_view name) {
  CORACLE_CHECK(parts_->main == nullptr, "a loop runs one main task");
  const CurrentLoop current(parts_->loop);
  SpawnedTask root = main_root({parts_->loop, name}, std::move(main));
  parts_->main = &root.fiber();
  parts_->main_root = root.fiber().innermost();
  parts_->loop.start_main(root.fiber());
}

bool LoopDriver::step() {
  Loop& loop = parts_->loop;
  const CurrentLoop current(loop);
  loop.begin_pass();
  parts_->back_end->poll(loop.timers().earliest(), /*may_wait=*/!loop.has_ready());
  if (loop.timers().size() > 0) loop.expire_timers(parts_->back_end->now());
  loop.run_ready();
  return loop.main_runs();
}

void LoopDriver::cancel_main() {
  const CurrentLoop current(parts_->loop);
  if (parts_->loop.main_runs()) parts_->main->root_scope().cancel();
  parts_->loop.run_ready();
}

const std::exception_ptr& LoopDriver::failure() const { return parts_->main->failure(); }

std::exception_ptr LoopDriver::take_failure() {
  return std::exchange(parts_->main->failure(), nullptr);
}

bool LoopDriver::busy() const {
  const LoopExtension* extension = parts_->loop.extension();
  return extension != nullptr && extension->busy();
}

void LoopDriver::tear_down() { parts_->loop.tear_down(); }

void LoopDriver::drain() {
  if (!busy()) return;
  const LateNotice notice(parts_->loop, *parts_->loop.extension());
  while (busy()) step();
}

void LoopDriver::finish() {
  drain();
  if (failure()) std::rethrow_exception(failure());
}

}  // namespace coracle
