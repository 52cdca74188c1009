// Loops on several threads. Run under ThreadSanitizer too.
#include "runtime/run_on_cores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/process.h"
#include "runtime/random.h"
#include "runtime/shielded.h"
#include "runtime/signals.h"
#include "runtime/sleep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> sleep_long() { co_await sleep_for(1h); }

// ---- Each has what is its own ----

struct Seen {
  std::mutex mutex;
  std::set<std::size_t> cores;
  std::set<std::thread::id> threads;
  std::set<const Loop*> loops;
  std::set<std::uint64_t> chances;
};

Task<> note(Seen& seen, std::size_t core, const Loop* made_in) {
  co_await yield();
  const std::uint64_t chance = random().next();
  EXPECT_EQ(&Loop::current(), made_in);
  const std::lock_guard lock(seen.mutex);
  seen.cores.insert(core);
  seen.threads.insert(std::this_thread::get_id());
  seen.loops.insert(made_in);
  seen.chances.insert(chance);
}

// They wait for each other, so that none ends before the last one has begun.
TEST(RunOnCores, GivesEachAThreadALoopAndASeed) {
  Seen seen;
  run_on_cores(3, [&](std::size_t core) -> Task<> {
    co_await note(seen, core, &Loop::current());
    for (bool all = false; !all;) {
      co_await yield();
      const std::lock_guard lock(seen.mutex);
      all = seen.cores.size() == 3;
    }
  });
  EXPECT_EQ(seen.cores, (std::set<std::size_t>{0, 1, 2}));
  EXPECT_EQ(seen.threads.size(), 3U);
  EXPECT_EQ(seen.threads.count(std::this_thread::get_id()), 0U);
  EXPECT_EQ(seen.loops.size(), 3U);
  EXPECT_EQ(seen.chances.size(), 3U) << "each loop draws its own";
}

Task<> expect_thread(std::thread::id made_on) {
  EXPECT_EQ(std::this_thread::get_id(), made_on);
  co_return;
}

TEST(RunOnCores, CallsTheFunctionOnItsThreadInsideItsLoop) {
  std::atomic<int> inside = 0;
  run_on_cores(2, [&](std::size_t /*core*/) {
    if (Loop::current_or_null() != nullptr) ++inside;
    return expect_thread(std::this_thread::get_id());
  });
  EXPECT_EQ(inside, 2);
}

TEST(RunOnCores, TakesAsManyAsTheMachineRunsForZero) {
  std::atomic<unsigned> begun = 0;
  run_on_cores(0, [&](std::size_t /*core*/) -> Task<> {
    ++begun;
    co_return;
  });
  EXPECT_EQ(begun, std::max(1U, std::thread::hardware_concurrency()));
}

TEST(RunOnCores, GoesOnWhenOneHasEnded) {
  std::atomic<bool> first_ended = false;
  bool last_ended = false;
  run_on_cores(2, [&](std::size_t core) -> Task<> {
    if (core == 0) {
      first_ended = true;
      co_return;
    }
    while (!first_ended) co_await yield();
    co_await sleep_for(1ms);
    last_ended = true;
  });
  EXPECT_TRUE(last_ended);
}

// ---- Failures ----

Task<> fail(std::string what) {
  co_await yield();
  throw std::runtime_error(what);
}

TEST(RunOnCores, ThrowsTheFirstFailureAfterAllHaveEnded) {
  std::atomic<int> canceled = 0;
  const auto wait = [&]() -> Task<> {
    try {
      co_await sleep_for(1h);
    } catch (const Canceled&) {
      ++canceled;
      throw;
    }
  };
  try {
    run_on_cores(4, [&](std::size_t core) { return core == 2 ? fail("lost") : wait(); });
    ADD_FAILURE() << "it did not throw";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "lost");
  }
  // Who was asked to stop before it began has not waited.
  EXPECT_LE(canceled, 3);
}

Task<> fail_when_canceled(std::atomic<int>& waiting) {
  try {
    ++waiting;
    co_await sleep_for(1h);
  } catch (const Canceled&) {
    throw std::runtime_error("while stopping");
  }
}

TEST(RunOnCores, LogsFurtherFailures) {
  std::vector<std::string> lines;
  RunOptions options;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  std::atomic<int> waiting = 0;
  const auto fail_first = [&]() -> Task<> {
    while (waiting < 1) co_await yield();
    co_await fail("first");
  };
  const CoreMain make_main = [&](std::size_t core) {
    return core == 0 ? fail_first() : fail_when_canceled(waiting);
  };
  EXPECT_THROW(run_on_cores(2, make_main, options), std::runtime_error);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("further_failure task=core-1 error=\"while stopping\""),
            std::string::npos)
      << lines[0];
}

TEST(RunOnCores, AFunctionThatThrowsIsAFailureToo) {
  const CoreMain make_main = [](std::size_t core) {
    if (core == 1) throw std::logic_error("no main");
    return sleep_long();
  };
  EXPECT_THROW(run_on_cores(3, make_main), std::logic_error);
}

// ---- Signals ----

std::vector<std::string> logged_on_cores(std::size_t cores, const CoreMain& make_main) {
  std::vector<std::string> lines;
  RunOptions options;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  run_on_cores(cores, make_main, options);
  return lines;
}

Task<> signal_once_all_wait(std::atomic<int>& waiting, int others, int number) {
  while (waiting < others) co_await yield();
  kill(getpid(), number);
  co_await sleep_for(1h);
}

Task<> count_and_wait(std::atomic<int>& waiting) {
  ++waiting;
  co_await sleep_for(1h);
}

TEST(RunOnCoresSignals, TheFirstCancelsAllLoops) {
  for (const int number : {SIGINT, SIGTERM}) {
    std::atomic<int> waiting = 0;
    const std::vector<std::string> lines = logged_on_cores(3, [&](std::size_t core) {
      return core == 1 ? signal_once_all_wait(waiting, 2, number) : count_and_wait(waiting);
    });
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("canceled_by_signal signal=" + std::to_string(number)),
              std::string::npos)
        << lines[0];
  }
}

TEST(RunOnCoresSignals, ComesAlsoWhenTheFirstLoopHasEnded) {
  std::atomic<int> waiting = 0;
  const std::vector<std::string> lines = logged_on_cores(2, [&](std::size_t core) -> Task<> {
    if (core == 0) co_return;
    co_await signal_once_all_wait(waiting, 0, SIGINT);
  });
  EXPECT_EQ(lines.size(), 1U);
}

// The watch ends with the first: the second has its default action.
TEST(RunOnCoresSignalsDeathTest, TheSecondOneKills) {
  const CoreMain stubborn = [](std::size_t core) -> Task<> {
    if (core == 0) kill(getpid(), SIGINT);
    try {
      co_await sleep_for(1h);
    } catch (const Canceled&) {
      kill(getpid(), SIGINT);
    }
    co_await shielded(1h, sleep_for(1h));
  };
  EXPECT_EXIT(logged_on_cores(2, stubborn), testing::KilledBySignal(SIGINT), "");
}

TEST(RunOnCoresSignalsDeathTest, AreLeftAloneIfAsked) {
  RunOptions options;
  options.cancel_on_signals = false;
  const CoreMain make_main = [](std::size_t /*core*/) -> Task<> {
    kill(getpid(), SIGTERM);
    co_await sleep_for(1h);
  };
  EXPECT_EXIT(run_on_cores(2, make_main, options), testing::KilledBySignal(SIGTERM), "");
}

bool is_blocked(int number) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return sigismember(&blocked, number) == 1;
}

TEST(RunOnCoresSignals, AreBlockedOnTheThreadsOfLoopsOnly) {
  run_on_cores(1, [](std::size_t /*core*/) -> Task<> {
    for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD}) {
      EXPECT_TRUE(is_blocked(number)) << number;
    }
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
      EXPECT_FALSE(is_blocked(number)) << number;
    }
    const ProcessOptions shell("sh", {"-c", "kill -TERM $$; sleep 60"});
    Process process = Process::spawn(shell);
    const ExitStatus status = co_await process.wait();
    EXPECT_EQ(status.signal, SIGTERM) << "a child process does not inherit it";
  });
  EXPECT_FALSE(is_blocked(SIGINT)) << "the calling thread has its own again";
}

TEST(RunOnCoresSignals, SigquitPrintsTheTasksOfEachLoop) {
  testing::internal::CaptureStderr();
  std::atomic<int> ready = 0;
  run_on_cores(2, [&](std::size_t core) -> Task<> {
    Signals also({SIGQUIT});
    ++ready;
    while (ready < 2) co_await yield();
    if (core == 0) kill(getpid(), SIGQUIT);
    co_await also.next();
    co_await sleep_for(1ms);  // by the next poll all that watch it have been told
  });
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_NE(printed.find("core-0"), std::string::npos) << printed;
  EXPECT_NE(printed.find("core-1"), std::string::npos) << printed;
}

// ---- Log lines ----

TEST(RunOnCoresLog, OneThreadAtATimeCallsTheSink) {
  std::vector<std::string> lines;  // no lock of ours
  bool inside = false;
  RunOptions options;
  options.log_sink = [&](std::string_view line) {
    EXPECT_FALSE(std::exchange(inside, true));
    lines.emplace_back(line);
    std::this_thread::yield();
    inside = false;
  };
  const CoreMain make_main = [](std::size_t core) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      log_info("counted core={} i={}", core, i);
      co_await yield();
    }
  };
  run_on_cores(4, make_main, options);
  EXPECT_EQ(lines.size(), 800U);
}

TEST(RunOnCoresLog, LinesAreNotMixed) {
  testing::internal::CaptureStderr();
  const std::string filling(500, 'x');
  run_on_cores(4, [&](std::size_t core) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      log_info("filled core={} {}", core, filling);
      co_await yield();
    }
  });
  std::istringstream printed(testing::internal::GetCapturedStderr());
  int count = 0;
  for (std::string line; std::getline(printed, line); ++count) {
    const std::size_t at = line.find("filled core=");
    ASSERT_NE(at, std::string::npos) << line;
    EXPECT_EQ(line.substr(at + 14), filling);
  }
  EXPECT_EQ(count, 400);
}

TEST(RunOnCoresDeathTest, IsNotCalledInsideALoop) {
  const auto nested = []() -> Task<> {
    run_on_cores(1, [](std::size_t /*core*/) { return sleep_long(); });
    co_return;
  };
  EXPECT_DEATH(run(nested()), "not called inside a loop");
}

}  // namespace
}  // namespace coracle
