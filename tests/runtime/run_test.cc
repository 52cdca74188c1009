// run(): signals cancel the main task, and it returns normally whatever that task is in.
#include "runtime/run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/logged_run.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> long_sleep() { co_await sleep_for(1h); }
Task<> raise_after_turns(int number) {
  for (int turn = 0; turn < 3; ++turn) co_await yield();
  std::raise(number);
  co_await long_sleep();
}
Task<> interrupt_beside(Task<> task) {
  co_await when_all(raise_after_turns(SIGINT), std::move(task));
}

Task<> fail_when_canceled() {
  try {
    co_await long_sleep();
  } catch (const Canceled&) {
    throw std::runtime_error("while stopping");
  }
}

// --- What main may be in when the signal comes --------------------------------------------------

Task<> a_group_whose_body_has_returned() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("child", long_sleep);
    co_return;
  });
}
Task<> a_group_with_children() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("a", long_sleep);
    group.spawn("b", a_group_whose_body_has_returned);
    co_await long_sleep();
  });
}
Task<> a_canceled_group_that_is_canceled_again() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.cancel();
    co_await shielded(1h, sleep_for(5ms));
    co_await long_sleep();
  });
}
Task<> a_timeout_inside_a_timeout() { co_await with_timeout(1h, with_timeout(2h, long_sleep())); }
Task<> a_timeout_around_a_shield() {
  const auto shield_and_sleep = []() -> Task<> {
    co_await shielded(1h, sleep_for(5ms));
    co_await long_sleep();
  };
  co_await with_timeout(1h, shield_and_sleep());
}
Task<> a_within() {
  const bool in_time = co_await within(1h, long_sleep());
  ADD_FAILURE() << "rule 1: the enclosing scope asks, so there is no result; got " << in_time;
}
Task<> a_cleanup() { co_await with_cleanup(long_sleep(), sleep_for(1ms)); }
Task<> a_race() { co_await race(long_sleep(), sleep_for(1h)); }
Task<> a_group_that_failed_once() {
  const auto fail = []() -> Task<> {
    co_await yield();
    throw std::runtime_error("first");
  };
  try {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("fails", fail);
      co_await long_sleep();
    });
  } catch (const std::runtime_error&) {
  }
  co_await long_sleep();
}

TEST(RunWithSigint, ReturnsNormallyWhateverMainIsIn) {
  for (auto* scenario :
       {long_sleep, a_group_with_children, a_group_whose_body_has_returned,
        a_canceled_group_that_is_canceled_again, a_timeout_inside_a_timeout,
        a_timeout_around_a_shield, a_within, a_cleanup, a_race, a_group_that_failed_once}) {
    const std::vector<std::string> log = logged_run(interrupt_beside(scenario()));
    ASSERT_EQ(log.size(), 1U);
    EXPECT_NE(log[0].find("canceled_by_signal signal=2"), std::string::npos) << log[0];
  }
}

TEST(RunWithSigint, ThrowsWhatFailsWhileItStops) {
  EXPECT_THROW(logged_run(interrupt_beside(fail_when_canceled())), std::runtime_error);
}

TEST(RunWithSigint, SigtermDoesTheSame) {
  const std::vector<std::string> log = logged_run(raise_after_turns(SIGTERM));
  EXPECT_EQ(log.size(), 1U);
}

TEST(RunWithSigint, ArrivesAlsoWhenItCameBeforeMainBegan) {
  const auto main = []() -> Task<> { co_await long_sleep(); };
  const auto raising = [](Task<> task) -> Task<> {
    std::raise(SIGINT);
    co_await std::move(task);
  };
  logged_run(raising(main()));
}

// The watch ends with the first signal: the second has its default action.
TEST(RunWithSigintDeathTest, TheSecondOneKills) {
  const auto stubborn = []() -> Task<> {
    std::raise(SIGINT);
    co_await shielded(1h, sleep_for(20ms));
    std::raise(SIGINT);
    co_await shielded(1h, sleep_for(1h));
  };
  EXPECT_EXIT(logged_run(stubborn()), testing::KilledBySignal(SIGINT), "");
}

TEST(RunWithSigintDeathTest, IsLeftAloneIfAsked) {
  const auto main = []() -> Task<> {
    std::raise(SIGINT);
    co_await sleep_for(1h);
  };
  RunOptions options;
  options.cancel_on_signals = false;
  EXPECT_EXIT(run(main(), options), testing::KilledBySignal(SIGINT), "");
}

// After run() the signals have their default action again.
TEST(RunWithSigintDeathTest, IsRestoredAfterRun) {
  const auto main = []() -> Task<> { co_return; };
  EXPECT_EXIT(
      {
        run(main());
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(Run, MayBeCalledAgain) {
  const auto main = []() -> Task<> { co_await sleep_for(1ms); };
  for (int again = 0; again < 3; ++again) run(main());
}

}  // namespace
}  // namespace coracle
