// Sweeps: a scenario is run again and again, and stopped at its first suspension, then at its
// second, ... until a run ends before it is reached. So each place where it can be stopped is
// tried, not only those we thought of.
//
//   TEST(Read, CanBeCanceledAnywhere) { sweep::cancel_everywhere(read_scenario); }
//   TEST(Read, CanCrashAnywhere) { sweep::crash_everywhere(read_scenario); }
//
// What counts as a suspension is one resumption of one fiber: the loop resumes at most one in each
// pass, and a pass that resumes nothing (it polled, and nobody was ready) does not count. So real
// sockets and files work as well; how often such a scenario suspends may differ from run to run.
//
// After each run these must be as they were before: live frames (counted in debug builds), live
// fibers, open descriptors; libuv's handles are checked by the end of the loop itself. What else
// must hold (nothing received is lost) is for the scenario, or for `check_run`, which is called
// after each run.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <system_error>

#include "runtime/driver.h"
#include "runtime/dump_tasks.h"
#include "runtime/frame_pool.h"
#include "runtime/log.h"
#include "runtime/timer_heap.h"

namespace coracle::sweep {

// Makes the main task of one run. Called inside a loop; all state of a run is made in here (or
// reset by it), because it is called once for each run.
using Scenario = std::function<Task<>()>;
using CheckRun = std::function<void()>;

// What every run must leave as it found it.
struct Resources {
  std::size_t frames;
  std::set<std::string> descriptors;

  static Resources now() { return {FramePool::live_frames(), open_descriptors()}; }

  // Each open descriptor with what it is, such as `7 socket:[1234]`.
  static std::set<std::string> open_descriptors() {
    std::set<std::string> open;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code closed;  // that of the directory itself
      const auto target = std::filesystem::read_symlink(entry.path(), closed);
      if (closed || target.string().find("/proc/") == 0) continue;
      open.insert(entry.path().filename().string() + " " + target.string());
    }
    return open;
  }
};

inline void expect_same(const Resources& before, const Resources& after) {
  EXPECT_EQ(before.frames, after.frames) << "frames were leaked";
  EXPECT_EQ(before.descriptors, after.descriptors) << "descriptors were leaked";
}

// Ends the process with the tree of tasks when a run does not come to its end.
class Watchdog final : private TimerNode {
 public:
  explicit Watchdog(Loop& loop) : loop_(loop) {
    loop_.timers().arm(*this, deadline_after(coracle::now(), std::chrono::seconds(20)));
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { loop_.timers().disarm(*this); }

 private:
  void expired() override {
    std::cerr << "this run hangs:\n";
    dump_tasks(std::cerr);
    std::abort();
  }

  Loop& loop_;
};

// Drives one loop from resumption to resumption.
class SteppedRun {
 public:
  explicit SteppedRun(const Scenario& scenario) : driver_(quiet()), watchdog_(driver_.loop()) {
    driver_.loop().set_resumptions_per_pass(1);
    driver_.start(scenario());
  }

  // Goes on until `count` more resumptions were made.
  //   Returns    false if the scenario ended before, or with the last of them.
  bool resume(int count) {
    while (count > 0) {
      const bool goes_on = driver_.step();
      if (driver_.loop().pass_is_spent()) --count;
      if (!goes_on) return false;
    }
    return true;
  }

  // How many deadlines are armed, besides the watchdog's.
  [[nodiscard]] std::size_t armed_timers() { return driver_.loop().timers().size() - 1; }

  void cancel() { driver_.cancel_main(); }
  void crash() { driver_.tear_down(); }

  // Goes on to the end of the scenario, which must not throw.
  void finish() {
    while (driver_.loop().main_runs()) driver_.step();
    EXPECT_LE(driver_.loop().live_fibers(), 1U) << "fibers outlive the main fiber";
    try {
      driver_.finish();
    } catch (...) {
      ADD_FAILURE() << "the run threw: " << describe_exception(std::current_exception());
    }
  }

 private:
  static RunOptions quiet() {
    RunOptions options;
    options.cancel_on_signals = false;
    options.dump_tasks_on_sigquit = false;
    options.log_sink = [](std::string_view) {};
    return options;
  }

  LoopDriver driver_;
  Watchdog watchdog_;
};

// Calls `run(k)` for k = 0, 1, ... until it returns false, and compares the resources.
//   Returns    how many runs were stopped.
template <class Run>
int for_each_suspension(const char* what, const Run& run, const CheckRun& check_run) {
  SteppedRun([]() -> Task<> { co_return; }).finish();  // libuv opens a pipe for good
  for (int k = 0;; ++k) {
    SCOPED_TRACE(std::string(what) + " after resumption " + std::to_string(k));
    const Resources before = Resources::now();
    const bool stopped = run(k);
    expect_same(before, Resources::now());
    if (check_run) check_run();
    if (!stopped || testing::Test::HasFailure()) return k;
  }
}

// Cancels the main scope (as SIGINT does) before the scenario's first resumption, after its first,
// after its second, ...; each run must come to its end without an exception.
//   Returns    how many runs were canceled.
inline int cancel_everywhere(const Scenario& scenario, const CheckRun& check_run = {}) {
  return for_each_suspension(
      "canceled",
      [&](int k) {
        SteppedRun run(scenario);
        const bool reached = run.resume(k);
        if (reached) run.cancel();
        run.finish();
        return reached;
      },
      check_run);
}

// Destroys all fibers, leaf first, without resuming any, before the first resumption, after the
// first, after the second, ...
//   Returns    how many runs crashed.
inline int crash_everywhere(const Scenario& scenario, const CheckRun& check_run = {}) {
  return for_each_suspension(
      "crashed",
      [&](int k) {
        SteppedRun run(scenario);
        const bool reached = run.resume(k);
        reached ? run.crash() : run.finish();
        return reached;
      },
      check_run);
}

// Cancels everywhere, and for each of these runs crashes everywhere on its way to its end.
//   Returns    how many runs crashed.
inline int crash_while_canceling_everywhere(const Scenario& scenario,
                                            const CheckRun& check_run = {}) {
  int crashes = 0;
  bool reached = true;
  for (int canceled_at = 0; reached && !testing::Test::HasFailure(); ++canceled_at) {
    SCOPED_TRACE("canceled after resumption " + std::to_string(canceled_at));
    crashes += for_each_suspension(
        "crashed",
        [&](int k) {
          SteppedRun run(scenario);
          reached = run.resume(canceled_at);
          if (reached) run.cancel();
          const bool crashed = reached && run.resume(k);
          crashed ? run.crash() : run.finish();
          return crashed;
        },
        check_run);
  }
  return crashes;
}

}  // namespace coracle::sweep
