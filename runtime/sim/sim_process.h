// One process of a simulated host: a loop with the simulated back end. Mechanism.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

#include "runtime/child.h"
#include "runtime/driver.h"
#include "runtime/sim/agenda.h"
#include "runtime/sim/sim_back_end.h"

namespace coracle::sim {

class Host;

// The very driver that run() uses makes the passes; the world decides when: as soon as something of
// it is ready or a deadline has come, and it is not paused.
class SimProcess final : private Happening {
 public:
  // Prepares it; start() begins.
  SimProcess(Host& host, int pid, const RunOptions& options);
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;
  // Tears down what still runs: a crash.
  ~SimProcess();

  // Makes what `main` returns, called inside this process, its main task.
  void start(const std::function<Task<>()>& main);

  [[nodiscard]] Host& host() const { return host_; }
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] Loop& loop() { return driver_->loop(); }
  [[nodiscard]] SimBackEnd& back_end() { return *back_end_; }

  // Something of it has become ready, or its clock has changed: plans its next pass anew.
  void look();

  // Stops it where it is, and lets it go on. Its kernel is not stopped.
  void pause();
  void resume();
  [[nodiscard]] bool paused() const { return paused_; }

  // Sends a signal: SIGKILL, SIGSTOP and SIGCONT take effect at once, others with the next poll.
  void signal(int number);
  // What a signal does that nobody watches.
  void take_default_action(int number);

  // Has `act` called as soon as none of its frames runs: at once, or at the end of the pass that is
  // being made; no fiber of it is resumed before that. For what ends it.
  void when_suspended(std::function<void()> act);
  [[nodiscard]] bool in_pass() const { return in_pass_; }

  // Has `observer` called when it has ended, in any way; an empty one ends that.
  void at_end(std::function<void(ExitStatus)> observer) { at_end_ = std::move(observer); }
  // For its host: it has ended.
  void tell_end(ExitStatus status);

  // Its standard streams, unless they are none.
  void set_standard_input(std::unique_ptr<PipeEnd> end) { input_ = std::move(end); }
  [[nodiscard]] std::unique_ptr<PipeEnd> take_standard_input();
  void set_standard_error(std::unique_ptr<PipeEnd> end) { error_ = std::move(end); }

 private:
  void expired() override;  // makes one pass
  void count_resumptions();
  [[nodiscard]] TimePoint next_pass();
  void log(std::string_view line);

  Host& host_;
  const int pid_;
  std::unique_ptr<PipeEnd> input_;
  std::unique_ptr<PipeEnd> error_;
  SimBackEnd* back_end_ = nullptr;  // the driver's
  std::unique_ptr<LoopDriver> driver_;
  bool in_pass_ = false;
  bool paused_ = false;
  std::function<void()> when_suspended_;
  std::function<void(ExitStatus)> at_end_;
  TimePoint instant_{};  // of the last pass, and how often it had been resumed before it
  std::uint64_t resumptions_before_ = 0;
};

}  // namespace coracle::sim
