// Processes of simulated hosts: how they start, end, crash, pause, and what time they see.
#include "runtime/sim/host.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/event.h"
#include "runtime/file.h"
#include "runtime/frame_pool.h"
#include "runtime/log.h"
#include "runtime/shielded.h"
#include "runtime/signals.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> count_up(int& count) {
  for (;;) {
    co_await sleep_for(1s);
    ++count;
  }
}

TEST(Host, StartsTheSameProgramAgain) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  int count = 0;
  host.start(count_up, std::ref(count));
  EXPECT_TRUE(host.running());
  world.run_for(3500ms);
  EXPECT_EQ(count, 3);
  host.crash();
  EXPECT_FALSE(host.running());
  world.run_for(10s);
  EXPECT_EQ(count, 3);
  host.restart();
  world.run_for(1500ms);
  EXPECT_EQ(count, 4);
}

Task<> fail_after(Duration span) {
  co_await sleep_for(span);
  throw std::runtime_error("the disk is full");
}

TEST(Host, KeepsWhatEndedItsProcess) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  host.start(fail_after, 1s);
  world.run();
  EXPECT_FALSE(host.running());
  ASSERT_NE(host.failure(), nullptr);
  EXPECT_EQ(describe_exception(host.failure()), "the disk is full");
  host.restart();
  EXPECT_EQ(host.failure(), nullptr);
  host.crash();
  EXPECT_EQ(host.failure(), nullptr) << "killed, not failed";
}

// ---- A crash runs no code, and leaves nothing behind ----

struct Witness {
  int entered = 0;
  int left = 0;
  int after_crash = 0;  // resumptions that must not be
};

class InScope {
 public:
  explicit InScope(Witness& witness) : witness_(witness) { ++witness_.entered; }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;
  ~InScope() { ++witness_.left; }

 private:
  Witness& witness_;
};

Task<> child(Witness& witness, const bool& crashed, Duration span) {
  const InScope scope(witness);
  try {
    co_await sleep_for(span);
    if (crashed) ++witness.after_crash;
  } catch (...) {
    if (crashed) ++witness.after_crash;
    throw;
  }
}

Task<> busy_program(Witness& witness, const bool& crashed) {
  const InScope scope(witness);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    const InScope body(witness);
    for (int i = 1; i <= 4; ++i)
      group.spawn("child", child, std::ref(witness), std::cref(crashed), i * 1ms);
    File file = co_await File::open("/data", OpenMode::create);
    const std::string text = "hello";
    co_await file.write_at(std::as_bytes(std::span(text)), 0);
    co_await file.datasync();
    co_await within(2ms, sleep_for(1h));
    co_await shielded(1s, sleep_for(1ms));
  });
}

TEST(Host, CanCrashAtEveryStep) {
  for (const bool machine : {false, true}) {
    for (int k = 0;; ++k) {
      const std::size_t frames = FramePool::live_frames();
      Witness witness;
      bool crashed = false;
      sim::Simulation world(1);
      sim::Host& host = world.add_host("a");
      host.start(busy_program, std::ref(witness), std::cref(crashed));
      int steps = 0;
      while (steps < k && host.running() && world.step()) ++steps;
      const bool was_running = host.running();
      machine ? host.crash_machine() : host.crash();
      crashed = true;
      EXPECT_EQ(witness.entered, witness.left) << "at step " << k;
      world.run_for(1h);
      EXPECT_EQ(witness.after_crash, 0) << "at step " << k;
      EXPECT_EQ(FramePool::live_frames(), frames) << "at step " << k;
      if (!was_running) break;
    }
  }
}

// Asked for by its own code, a crash waits until that fiber has suspended; nobody else runs before.
Task<> crash_myself(sim::Host& host, std::vector<std::string>& said, bool machine) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn(
        "other",
        [](std::vector<std::string>& heard) -> Task<> {
          heard.push_back("other ran");
          co_return;
        },
        std::ref(said));
    machine ? host.crash_machine() : host.crash();
    said.push_back("still running");
    co_await sleep_for(1ms);
    said.push_back("after the crash");
  });
}

TEST(Host, CrashesOnceTheOneWhoAskedHasSuspended) {
  for (const bool machine : {false, true}) {
    sim::Simulation world(1);
    sim::Host& host = world.add_host("a");
    std::vector<std::string> said;
    host.start(crash_myself, std::ref(host), std::ref(said), machine);
    world.run_for(1s);
    EXPECT_EQ(said, std::vector<std::string>{"still running"});
    EXPECT_FALSE(host.running());
    EXPECT_EQ(host.powered(), !machine);
  }
}

TEST(Host, CanCrashAnother) {
  sim::Simulation world(1);
  sim::Host& victim = world.add_host("victim");
  sim::Host& culprit = world.add_host("culprit");
  int count = 0;
  bool done = false;
  victim.start(count_up, std::ref(count));
  culprit.start(
      [](sim::Host& other, bool& over) -> Task<> {
        co_await sleep_for(2500ms);
        other.crash();
        co_await sleep_for(1s);
        over = true;
      },
      std::ref(victim), std::ref(done));
  world.run_for(10s);
  EXPECT_EQ(count, 2);
  EXPECT_TRUE(done);
}

// ---- Pause ----

TEST(Host, DoesNothingWhilePaused) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  int count = 0;
  host.start(count_up, std::ref(count));
  world.run_for(1500ms);
  host.pause();
  EXPECT_TRUE(host.paused());
  world.run_for(1h);
  EXPECT_EQ(count, 1);
  host.resume();
  world.run_for(0s);
  EXPECT_EQ(count, 2) << "the deadline that has passed";
  world.run_for(1500ms);
  EXPECT_EQ(count, 3) << "not all that it missed";
}

// C3: what had arrived while it was paused comes before the deadlines that passed.
TEST(Host, HearsWhatArrivedBeforeItsDeadlines) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  std::vector<std::string> order;
  host.start(
      [](std::vector<std::string>& seen) -> Task<> {
        Signals signals({SIGUSR1});
        const auto in_time = co_await within(1s, signals.next());
        seen.push_back(in_time ? "signal" : "timeout");
      },
      std::ref(order));
  world.run_for(500ms);
  host.pause();
  world.run_for(100ms);
  host.signal(SIGUSR1);
  world.run_for(10s);
  host.resume();
  world.run_for(1s);
  EXPECT_EQ(order, std::vector<std::string>{"signal"});
}

// ---- Clocks ----

Task<> note_times(std::vector<Duration>& woken) {
  const TimePoint begin = now();
  for (int i = 1; i <= 3; ++i) {
    co_await sleep_until(begin + i * 1s);
    woken.push_back(now() - begin);
  }
}

TEST(Host, SeesItsOwnClock) {
  sim::Simulation world(1);
  sim::Host& fast = world.add_host("fast");
  sim::Host& slow = world.add_host("slow");
  fast.set_clock_rate(2'000'000);
  slow.set_clock_rate(500'000);
  std::vector<Duration> fast_times;
  std::vector<Duration> slow_times;
  fast.start(note_times, std::ref(fast_times));
  slow.start(note_times, std::ref(slow_times));
  world.run_for(1500ms);
  EXPECT_EQ(fast_times, (std::vector<Duration>{1s, 2s, 3s}));
  EXPECT_TRUE(slow_times.empty());
  world.run_for(4500ms);
  EXPECT_EQ(slow_times, (std::vector<Duration>{1s, 2s, 3s}));
}

TEST(Host, SleepsWhileItsClockStandsAndWakesWhenItJumps) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  std::vector<Duration> times;
  host.start(note_times, std::ref(times));
  world.run_for(500ms);
  host.set_clock_rate(0);
  world.run_for(1h);
  EXPECT_TRUE(times.empty());
  host.jump_clock(1600ms);
  world.run_for(0s);
  EXPECT_EQ(times, (std::vector<Duration>{2100ms, 2100ms}));
  host.set_clock_rate(sim::HostClock::kTrueRate);
  world.run_for(900ms);
  EXPECT_EQ(times.back(), 3s);
}

// ---- Signals ----

Task<> note_cancel(std::string& how) {
  try {
    co_await sleep_for(1h);
    how = "slept";
  } catch (...) {
    how = "canceled";
    throw;
  }
}

TEST(Host, CancelsMainOnTheFirstInterrupt) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  std::string how;
  host.start(note_cancel, std::ref(how));
  world.run_for(1s);
  host.signal(SIGINT);
  world.run_for(0s);
  EXPECT_EQ(how, "canceled");
  EXPECT_FALSE(host.running());
  EXPECT_EQ(host.failure(), nullptr);
}

TEST(Host, DiesOfWhatNobodyWatches) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  std::string how;
  host.start(note_cancel, std::ref(how));
  world.run_for(1s);
  host.signal(SIGWINCH);
  world.run_for(1s);
  EXPECT_TRUE(host.running());
  host.signal(SIGUSR2);
  world.run_for(1s);
  EXPECT_FALSE(host.running());
  EXPECT_EQ(how, "") << "none of its code has run";
  host.restart();
  world.run_for(1s);
  host.signal(SIGSTOP);
  EXPECT_TRUE(host.paused());
  host.signal(SIGCONT);
  EXPECT_FALSE(host.paused());
  host.signal(SIGKILL);
  EXPECT_FALSE(host.running());
}

// ---- What it says ----

TEST(Host, LogsIntoTheTrace) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  std::vector<std::string> lines;
  host.options().log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  host.start([]() -> Task<> {
    co_await sleep_for(1500ms);
    log_info("hello who={}", "world");
  });
  world.run();
  std::ostringstream text;
  world.trace().write_text(text);
  EXPECT_NE(text.str().find("1.500000000 host=a log pid=1 line="), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("hello who=world"), std::string::npos) << text.str();
  EXPECT_EQ(lines.size(), 1U);
}

TEST(HostDeathTest, TellsSeedHostAndTimeWhenACheckFails) {
  EXPECT_DEATH(
      {
        sim::Simulation world(4711);
        world.add_host("a").start([]() -> Task<> {
          co_await sleep_for(2ms);
          CORACLE_CHECK(false, "planted");
        });
        world.run();
      },
      "planted(.|\n)*seed 4711, on host a, after 2000000 ns(.|\n)*host=a started");
}

}  // namespace
}  // namespace coracle
