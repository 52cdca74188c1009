// Fibers that run too long are named; how long something takes is decided by a clock of the test's
// own where that matters.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "runtime/child.h"
#include "runtime/driver.h"
#include "runtime/pipe_end.h"
#include "runtime/process.h"
#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// A back end with nothing behind it but a clock that stands until it is moved.
class StandingClock final : public BackEnd {
 public:
  explicit StandingClock(Duration& time) : time_(time) {}

  void serve(Loop& /*loop*/) override {}
  void poll(TimePoint /*earliest*/, bool /*may_wait*/) override { time_ += 1h; }
  [[nodiscard]] TimePoint now() override { return TimePoint(time_); }
  [[nodiscard]] WallTime wall_time() override { return {}; }
  [[nodiscard]] Duration rough_time() override { return time_; }
  void wake() override {}
  [[nodiscard]] std::unique_ptr<SignalWatch> watch_signal(int /*number*/,
                                                          SignalSink& /*sink*/) override {
    return nullptr;
  }
  void perform_blocking(BlockingRequest& /*request*/) override {}
  void perform_file(FileRequest& /*request*/) override {}
  void cancel(Request& /*request*/) override {}
  bool abandon(Request& /*request*/) override { return false; }
  void close_file(int /*descriptor*/) noexcept override {}
  [[nodiscard]] std::unique_ptr<Child> spawn_child(const ProcessOptions& /*options*/,
                                                   ChildSink& /*sink*/,
                                                   ChildPipes& /*pipes*/) override {
    return nullptr;
  }
  [[nodiscard]] std::unique_ptr<PipeEnd> standard_input() override { return nullptr; }
  [[nodiscard]] std::string program_path() override { return {}; }
  void check_failed(std::string_view /*message*/) override {}

 private:
  Duration& time_;
};

using Lines = std::vector<std::string>;
using MakeMain = std::function<Task<>(Duration& time)>;

// What a main task logs that moves the clock itself. Each poll takes an hour.
Lines logged(Duration limit, const MakeMain& make_main) {
  Lines lines;
  Duration time{};
  RunOptions options;
  options.cancel_on_signals = false;
  options.dump_tasks_on_sigquit = false;
  options.log_stalls_over = limit;
  options.log_sink = [&lines](std::string_view line) { lines.emplace_back(line); };
  LoopDriver driver(std::make_unique<StandingClock>(time), 1, options);
  driver.start(make_main(time));
  while (driver.step()) {
  }
  return lines;
}

bool matches(const std::string& line, const std::string& pattern) {
  return std::regex_search(line, std::regex(pattern));
}

Task<> take(Duration& time, Duration span) {
  time += span;
  co_await yield();
}

TEST(Stall, IsLoggedFromTheLimitOn) {
  const auto taking = [](Duration span) {
    return [span](Duration& time) { return take(time, span); };
  };
  EXPECT_EQ(logged(20ms, taking(20ms - 1ns)), Lines{});
  const Lines lines = logged(20ms, taking(20ms));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(matches(lines[0], R"( warning stalled task=main ran=20ms since=its_start )"
                                R"(at=\S*stall_test\.cc:\d+$)"))
      << lines[0];
  EXPECT_EQ(logged(0ms, taking(1h)), Lines{}) << "off";
}

Task<> inner(Duration& time) {
  co_await yield();
  time += 35ms;
  co_await yield();
}
Task<> outer(Duration& time) { co_await inner(time); }

// The awaits tell where in the program it was: between `since` and the last of `at`.
TEST(Stall, TellsTheAwaitsAroundIt) {
  const Lines lines = logged(20ms, outer);
  ASSERT_EQ(lines.size(), 1U);
  std::smatch found;
  const std::regex pattern(R"(stalled task=main ran=35ms since=\S*stall_test\.cc:(\d+) )"
                           R"(at=\S*stall_test\.cc:(\d+)>\S*stall_test\.cc:(\d+)$)");
  ASSERT_TRUE(std::regex_search(lines[0], found, pattern)) << lines[0];
  const int since = std::stoi(found[1]);
  EXPECT_EQ(std::stoi(found[3]), since + 2) << "the await after the stall";
  EXPECT_EQ(std::stoi(found[2]), since + 4) << "outer, below";
}

Task<> take_at_end(Duration& time) {
  co_await yield();
  time += 21ms;
}

TEST(Stall, OfAFiberThatEndsThereIsNamedToo) {
  const Lines lines = logged(20ms, [](Duration& time) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("last", take_at_end, std::ref(time));
      co_return;
    });
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(matches(lines[0], R"(stalled task=last ran=21ms since=\S+:\d+ at=its_end$)"))
      << lines[0];
}

// In one pass: many that take a little, together more than the limit, and one that takes too long.
// What a poll takes is nobody's.
TEST(Stall, AccusesTheCulpritAmongMany) {
  const Lines lines = logged(20ms, [](Duration& time) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 100; ++i) {
        group.spawn(i == 70 ? "culprit" : "other", take, std::ref(time), i == 70 ? 24ms : 5ms);
      }
      co_return;
    });
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(matches(lines[0], "stalled task=culprit ran=24ms")) << lines[0];
}

Task<> nest(int depth, Duration& time) {
  if (depth > 0) {
    co_await nest(depth - 1, time);
  } else {
    co_await take(time, 1s);
  }
}

TEST(Stall, ShowsTheInnermostAwaitsOfALongChain) {
  const Lines lines = logged(20ms, [](Duration& time) { return nest(1000, time); });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(matches(lines[0], R"(at=\.\.\.>\S+stall_test\.cc:\d+$)")) << lines[0];
  EXPECT_EQ(std::count(lines[0].begin(), lines[0].end(), '>'), 8);
}

// ---- The real clock ----

Lines logged_for_real(Duration limit, Task<> main) {
  Lines lines;
  RunOptions options;
  options.log_stalls_over = limit;
  options.log_sink = [&lines](std::string_view line) { lines.emplace_back(line); };
  run(std::move(main), options);
  return lines;
}

Task<> keep_busy(Duration span) {
  co_await yield();
  const TimePoint end = deadline_after(now(), span);
  while (now() < end) {
  }
  co_await yield();
}

// The clock that measures it steps by 10 ms at most.
TEST(Stall, IsSeenOnTheRealClock) {
  const Lines lines = logged_for_real(20ms, keep_busy(30ms));
  const bool found = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return matches(line, R"(warning stalled task=main ran=\d+ms since=\S+:\d+ at=\S+:\d+$)");
  });
  EXPECT_TRUE(found) << (lines.empty() ? "nothing was logged" : lines[0]);
}

Task<> sleep_a_little() {
  for (int i = 0; i < 5; ++i) co_await sleep_for(1ms);
}

TEST(Stall, WhoWaitsIsNotAccused) {
  EXPECT_EQ(logged_for_real(1h, sleep_a_little()), Lines{});
  EXPECT_EQ(logged_for_real(1h, keep_busy(1ms)), Lines{});
}

// ---- In a simulation nothing takes time while it runs ----

TEST(Stall, DoesNotHappenInASimulation) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  Lines lines;
  host.options().log_stalls_over = 1ns;
  host.options().log_sink = [&lines](std::string_view line) { lines.emplace_back(line); };
  host.start([]() -> Task<> {
    for (int i = 0; i < 1000; ++i) co_await yield();
    co_await sleep_for(1h);
    co_await sleep_a_little();
  });
  world.run();
  EXPECT_EQ(lines, Lines{});
}

}  // namespace
}  // namespace coracle
