// Signals that are awaited, and SIGQUIT, which prints the tasks.
#include "runtime/signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "runtime/error.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

TEST(Signals, ArriveOneAfterTheOther) {
  run([]() -> Task<> {
    Signals signals({SIGUSR1, SIGUSR2});
    std::raise(SIGUSR2);
    EXPECT_EQ(co_await signals.next(), SIGUSR2);
    std::raise(SIGUSR1);
    co_await sleep_for(5ms);  // arrives while nobody waits
    EXPECT_EQ(co_await signals.next(), SIGUSR1);
  }());
}

TEST(Signals, ThatNobodyAskedForCountOnce) {
  run([]() -> Task<> {
    Signals signals({SIGUSR1, SIGUSR2});
    for (int i = 0; i < 3; ++i) std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    co_await sleep_for(5ms);
    EXPECT_EQ(co_await signals.next(), SIGUSR1);
    EXPECT_EQ(co_await signals.next(), SIGUSR2);
    const std::optional<int> more = co_await within(1ms, signals.next());
    EXPECT_EQ(more, std::nullopt);
  }());
}

TEST(Signals, ComeFromOtherProcesses) {
  run([]() -> Task<> {
    Signals signals({SIGHUP});
    const pid_t child = fork();
    if (child == 0) {
      kill(getppid(), SIGHUP);
      _exit(0);
    }
    EXPECT_EQ(co_await signals.next(), SIGHUP);
    waitpid(child, nullptr, 0);
  }());
}

TEST(Signals, ReachEachWhoWatches) {
  run([]() -> Task<> {
    Signals first({SIGUSR1});
    Signals second({SIGUSR1, SIGUSR2});
    std::raise(SIGUSR1);
    EXPECT_EQ(co_await first.next(), SIGUSR1);
    EXPECT_EQ(co_await second.next(), SIGUSR1);
  }());
}

TEST(Signals, ThatCannotBeCaughtAreRefused) {
  run([]() -> Task<> {
    std::string said;
    try {
      const Signals signals({SIGUSR1, SIGKILL});
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_EQ(said, "watch signal 9: Invalid argument");
    co_return;
  }());
}

TEST(SignalsDeathTest, HaveTheirDefaultActionInTheEnd) {
  const auto main = []() -> Task<> {
    {
      const Signals signals({SIGUSR1});
      std::raise(SIGUSR1);
      co_await sleep_for(5ms);
    }
    std::raise(SIGUSR1);
  };
  EXPECT_EXIT(run(main()), testing::KilledBySignal(SIGUSR1), "");
}

int received = 0;

// Two signals are raised. A wait that is canceled takes none away.
Task<> receive_two() {
  received = 0;
  Signals signals({SIGUSR1});
  for (int i = 0; i < 2; ++i) {
    co_await task_group([&signals](TaskGroup& group) -> Task<> {
      group.spawn("raise", []() -> Task<> {
        co_await yield();
        std::raise(SIGUSR1);
      });
      const std::optional<int> early = co_await within(0ms, signals.next());
      const int number = early ? *early : co_await signals.next();
      EXPECT_EQ(number, SIGUSR1);
      ++received;
    });
  }
  EXPECT_EQ(received, 2);
}

TEST(Signals, CanBeCanceledAnywhere) {
  EXPECT_GT(sweep::cancel_everywhere(receive_two, [] { EXPECT_LE(received, 2); }), 4);
  EXPECT_EQ(received, 2);
}

TEST(Signals, CanCrashAnywhere) {
  EXPECT_GT(sweep::crash_everywhere(receive_two), 4);
  sweep::crash_while_canceling_everywhere(receive_two);
}

Task<> sleep_in_a_child() { co_await sleep_for(10ms); }

TEST(DumpTasks, IsPrintedOnSigquitAndTheProgramGoesOn) {
  testing::internal::CaptureStderr();
  bool ended = false;
  run([](bool& went_on) -> Task<> {
    co_await task_group([](TaskGroup& group) -> Task<> {
      group.spawn("sleeper", sleep_in_a_child);
      co_await yield();
      kill(getpid(), SIGQUIT);
    });
    went_on = true;
  }(ended));
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(ended);
  for (const char* part : {"main", "sleeper", "signals_test.cc", "a time to come"}) {
    EXPECT_NE(printed.find(part), std::string::npos) << part << " is missing in:\n" << printed;
  }
}

TEST(DumpTasksDeathTest, IsLeftAloneIfAsked) {
  const auto main = []() -> Task<> {
    std::raise(SIGQUIT);
    co_await sleep_for(1h);
  };
  RunOptions options;
  options.dump_tasks_on_sigquit = false;
  EXPECT_EXIT(run(main(), options), testing::KilledBySignal(SIGQUIT), "");
}

}  // namespace
}  // namespace coracle
