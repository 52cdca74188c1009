// One machine of a simulated world: a clock, a disk, and the process that runs on it.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/child.h"
#include "runtime/run.h"
#include "runtime/sim/disk.h"
#include "runtime/sim/host_clock.h"
#include "runtime/sim/trace.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "runtime/wall_time.h"

namespace coracle::sim {

class SimProcess;
class Simulation;

// Made by Simulation::add_host(). What is asked of a host from within one of its own fibers (a
// crash at the nth disk operation) takes effect once that fiber has suspended.
class Host {
 public:
  Host(Simulation& world, std::string_view name, std::uint32_t number);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  [[nodiscard]] const std::string& name() const { return name_; }
  // Returns    1 for the first host of the world, 2 for the second, ...
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] Simulation& world() const { return world_; }

  // ---- Its process ----
  // Starts a process whose main task is `function(args...)`, as `run(function(args...))` does in
  // production. Keeps copies of both, for restart(). It begins to run with the world.
  //   Requires   that none runs.
  template <class Function, class... Args>
  void start(Function function, Args... args) {
    main_ = [function = std::move(function), args = std::make_tuple(std::move(args)...)] {
      return std::apply(function, args);
    };
    restart();
  }
  // Starts the last process again, after it ended or crashed; boots the machine first if that had
  // crashed.
  //   Requires   that none runs, and start() before.
  void restart();

  // Returns    whether a process runs, or is paused.
  [[nodiscard]] bool running() const { return main_process_ != nullptr; }
  [[nodiscard]] bool paused() const;
  // Returns    false from crash_machine() to restart().
  [[nodiscard]] bool powered() const { return powered_; }
  // Returns    what the main task of the last process threw; nullptr if it runs, returned, or was
  //            ended from outside.
  [[nodiscard]] const std::exception_ptr& failure() const { return failure_; }

  // Options for processes from now on. The log goes into the trace, and to the sink if there is
  // one.
  [[nodiscard]] RunOptions& options() { return options_; }

  // ---- Faults ----
  // Ends the process, as SIGKILL does: no code of it runs any more. Its kernel closes its
  // connections; what it wrote to files stays readable, and what it did not sync stays at risk.
  void crash();
  // Cuts the power: the process ends, no connection is closed, and what was not synced is lost,
  // torn or kept, as the seed decides. No machine answers until restart().
  void crash_machine();
  // Stops the process where it is, as SIGSTOP does; its kernel goes on. And lets it go on.
  void pause();
  void resume();
  // Sends a signal. What its program does not watch has the default action: SIGKILL, SIGINT,
  // SIGTERM and most others end it, SIGSTOP and SIGCONT pause and resume it.
  void signal(int number);

  // The clock goes at `millionths` of the true rate from now on; 0 freezes it.
  void set_clock_rate(std::int64_t millionths);
  void jump_clock(Duration ahead);
  // Somebody sets the clock of the time of day, forwards or (`by` below 0) backwards. What waits
  // does not see it. It goes as the clock does otherwise.
  void set_wall_time(Duration by);
  [[nodiscard]] WallTime wall_time() const;
  [[nodiscard]] const HostClock& clock() const { return clock_; }

  [[nodiscard]] Disk& disk() { return disk_; }

  // ---- For back ends ----
  // The process; nullptr if none runs.
  [[nodiscard]] SimProcess* process() const { return main_process_; }
  // Adds an event of this host to the trace.
  void trace(std::string_view event, std::initializer_list<Fact> facts = {});
  // Adds a process beside the main one: a child of it.
  [[nodiscard]] SimProcess& add_process();
  // Ends a process, as soon as it is suspended, as an unwatched signal does.
  void kill(SimProcess& process, int signal);
  // Ends all processes: the world ends.
  void end_all();
  // The main task of a process has ended.
  void process_ended(SimProcess& process, const std::exception_ptr& failure);
  // Has `observer` called when the machine loses its power (before its processes end), and when it
  // is booted again.
  void at_power_change(std::function<void(bool powered)> observer);

 private:
  void end_process(SimProcess& process, ExitStatus status);
  void lose_power();

  Simulation& world_;
  const std::string name_;
  const std::uint32_t number_;
  HostClock clock_;
  Duration wall_ahead_{};  // what the time of day has been set by
  Disk disk_;
  RunOptions options_;
  std::function<Task<>()> main_;
  std::map<int, std::unique_ptr<SimProcess>> processes_;  // by pid
  SimProcess* main_process_ = nullptr;
  std::exception_ptr failure_;
  bool powered_ = true;
  int last_pid_ = 0;
  std::vector<std::function<void(bool)>> power_observers_;
};

}  // namespace coracle::sim
