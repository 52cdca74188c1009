// Calls on the pool: their results, and who owns what while they run.
#include "runtime/run_blocking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/driver.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/runtime/pool_gate.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

TEST(RunBlocking, ReturnsWhatTheFunctionReturnsFromAnotherThread) {
  run([]() -> Task<> {
    const std::vector<int> numbers = {1, 2, 3};
    const int sum = co_await run_blocking(
        [&numbers] { return std::accumulate(numbers.begin(), numbers.end(), 0); });
    EXPECT_EQ(sum, 6);
    const std::thread::id other = co_await run_blocking([] { return std::this_thread::get_id(); });
    EXPECT_NE(other, std::this_thread::get_id());
  }());
}

TEST(RunBlocking, ReturnsNothingReferencesAndWhatCanOnlyBeMoved) {
  run([]() -> Task<> {
    int value = 0;
    co_await run_blocking([&value] { value = 1; });
    EXPECT_EQ(value, 1);
    int& same = co_await run_blocking([&value]() -> int& { return value; });
    EXPECT_EQ(&same, &value);
    const std::unique_ptr<int> moved =
        co_await run_blocking([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*moved, 7);
  }());
}

TEST(RunBlocking, ThrowsWhatTheFunctionThrows) {
  EXPECT_THROW(
      run([]() -> Task<> { co_await run_blocking([] { throw std::out_of_range("too far"); }); }()),
      std::out_of_range);
}

TEST(RunBlocking, LetsTheLoopGoOn) {
  run([]() -> Task<> {
    PoolGate gate;
    co_await task_group([&gate](TaskGroup& group) -> Task<> {
      group.spawn("blocked", wait_in, std::ref(gate));
      co_await sleep_for(1ms);  // would not return while the loop is blocked
      gate.open();
    });
  }());
}

TEST(RunBlocking, RunsSeveralAtOnce) {
  run([]() -> Task<> {
    PoolGate gate;
    const auto meet = [&gate] {
      gate.wait_for(1);
      gate.open();
      return 2;
    };
    const auto both = co_await when_all(wait_in(gate), run_blocking(meet));
    EXPECT_EQ(std::get<1>(both), 2);
  }());
}

Task<> call_and_report(bool& called, bool& returned) {
  co_await run_blocking([&called] { called = true; });
  returned = true;
}

TEST(RunBlocking, CanceledBeforeItBeginsNeverRuns) {
  bool called = false;
  bool returned = false;
  PoolGate gate;
  run([](PoolGate& occupied, bool& was_called, bool& has_returned) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      occupy_pool(group, occupied);
      co_await yield();
      occupied.wait_for(PoolGate::kThreads);
      const bool in_time = co_await within(1ms, call_and_report(was_called, has_returned));
      EXPECT_FALSE(in_time);
      occupied.open();
    });
  }(gate, called, returned));
  EXPECT_FALSE(called);
  EXPECT_FALSE(returned);
}

Task<> pass_and_answer(PoolGate& gate, int& answer) {
  answer = co_await run_blocking([&gate] {
    gate.pass();
    return 5;
  });
}

// The result of a call that has begun beats the cancellation, however long it takes.
TEST(RunBlocking, CanceledAfterItHasBegunIsWaitedFor) {
  run([]() -> Task<> {
    PoolGate gate;
    int answer = 0;
    std::thread opener;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("call", pass_and_answer, std::ref(gate), std::ref(answer));
      co_await yield();
      gate.wait_for(1);
      group.cancel();
      opener = std::thread([&gate] {
        std::this_thread::sleep_for(20ms);
        gate.open();
      });
    });
    EXPECT_EQ(answer, 5);
    opener.join();
  }());
}

// Waits in the gate, and then fills a buffer of the caller's frame.
Task<> fill_late(PoolGate& gate, std::string& seen) {
  std::vector<char> buffer(4096, 'a');
  co_await run_blocking([&gate, &buffer] {
    gate.pass();
    std::fill(buffer.begin(), buffer.end(), 'b');
  });
  seen.assign(buffer.begin(), buffer.end());
}

// AddressSanitizer reports the job's late write if the buffer was given back early.
TEST(RunBlocking, ACanceledCallStillOwnsWhatItRefersTo) {
  PoolGate gate;
  std::string seen;
  LoopDriver driver({});
  driver.start(fill_late(gate, seen));
  driver.step();
  gate.wait_for(1);
  driver.cancel_main();
  EXPECT_TRUE(driver.loop().main_runs());
  gate.open();
  while (driver.step()) {
  }
  driver.finish();
  EXPECT_EQ(seen, std::string(4096, 'b'));
}

TEST(RunBlocking, ACrashWaitsForTheCallUnderWay) {
  PoolGate gate;
  std::string seen;
  LoopDriver driver({});
  driver.start(fill_late(gate, seen));
  driver.step();
  gate.wait_for(1);
  std::thread opener([&gate] {
    std::this_thread::sleep_for(20ms);
    gate.open();
  });
  driver.tear_down();
  opener.join();
  EXPECT_EQ(seen, "");
}

Task<> call_thrice() {
  std::vector<int> numbers(1000);
  co_await run_blocking([&numbers] { std::iota(numbers.begin(), numbers.end(), 0); });
  const auto sum = [&numbers] { return std::accumulate(numbers.begin(), numbers.end(), 0); };
  const auto both = co_await when_all(run_blocking(sum), run_blocking(sum));
  EXPECT_EQ(std::get<0>(both), 499500);
  EXPECT_EQ(std::get<1>(both), 499500);
}

TEST(RunBlocking, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(call_thrice), 3); }

TEST(RunBlocking, CanCrashAnywhere) {
  EXPECT_GT(sweep::crash_everywhere(call_thrice), 3);
  sweep::crash_while_canceling_everywhere(call_thrice);
}

}  // namespace
}  // namespace coracle
