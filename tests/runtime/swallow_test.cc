// Code that breaks the rules of cancellation fails a check, and does not hang.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>

#include "runtime/combinators.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> long_sleep() { co_await sleep_for(1h); }
Task<> in_a_timeout() { co_await with_timeout(2h, long_sleep()); }
Task<> in_a_group() {
  co_await task_group([](TaskGroup&) -> Task<> { co_await long_sleep(); });
}
Task<> in_a_child() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("child", long_sleep);
    co_return;
  });
}
Task<> in_when_all() { co_await when_all(long_sleep(), long_sleep()); }
Task<> after_a_shield() {
  co_await shielded(1h, with_timeout(1h, yield()));
  co_await long_sleep();
}
Task<> in_two_scopes() { co_await with_timeout(2h, in_a_group()); }

// What must never be written: it catches Canceled and tries again.
Task<> swallow(Task<> (*attempt)()) {
  for (;;) {
    try {
      co_await attempt();
    } catch (...) {
    }
  }
}

void cancel_what_swallows(Task<> (*attempt)()) {
  const auto main = [](Task<> (*inner)()) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("swallower", swallow, inner);
      co_await sleep_for(1ms);
      group.cancel();
    });
  };
  run(main(attempt));
}

void cancel_a_body_that_swallows(Task<> (*attempt)()) {
  const auto main = [](Task<> (*inner)()) -> Task<> { co_await within(1ms, swallow(inner)); };
  run(main(attempt));
}

TEST(SwallowDeathTest, CatchingEverythingInALoopFailsACheck) {
  for (auto* attempt : {long_sleep, in_a_timeout, in_a_group, in_a_child, in_when_all,
                        after_a_shield, in_two_scopes}) {
    EXPECT_DEATH(cancel_what_swallows(attempt),
                 "this fiber swallows cancellation(.|\n)*in swallower");
    EXPECT_DEATH(cancel_a_body_that_swallows(attempt),
                 "this fiber swallows cancellation(.|\n)*in main");
  }
}

TEST(SwallowDeathTest, SigintReachesItToo) {
  const auto main = []() -> Task<> {
    std::raise(SIGINT);
    co_await swallow(long_sleep);
  };
  EXPECT_DEATH(run(main()), "this fiber swallows cancellation");
}

// Many fibers that stop in time, and many scopes of one fiber, are nothing bad.
Task<> try_often(int times) {
  for (int i = 0; i < times; ++i) {
    const bool in_time = co_await within(-1s, long_sleep());
    EXPECT_FALSE(in_time);
  }
}

TEST(Swallow, ThousandsOfTimeoutsInOneFiberAreFine) { run(try_often(5000)); }

Task<> stop_slowly(int awaits, int& canceled) {
  for (int i = 0; i < awaits; ++i) {
    try {
      co_await sleep_for(1h);
    } catch (const Canceled&) {
      ++canceled;
    }
  }
}

TEST(Swallow, NineHundredAwaitsWhileStoppingAreFine) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    for (int round = 0; round < 3; ++round) co_await within(-1s, stop_slowly(900, canceled));
    EXPECT_EQ(canceled, 3 * 900);
  };
  run(main());
}

// --- Rule 4: Canceled where nobody asked --------------------------------------------------------

// Keeps a Canceled beyond the scope that asked for it: the only way to have one is to steal it.
Task<> steal(std::exception_ptr& stolen) {
  try {
    co_await long_sleep();
  } catch (...) {
    stolen = std::current_exception();
  }
}

enum class Into { main, group, child, timeout, shield };

Task<> rethrow(const std::exception_ptr& stolen) {
  std::rethrow_exception(stolen);
  co_return;
}

Task<> throw_a_stolen_one(Into into) {
  std::exception_ptr stolen;
  co_await within(1ms, steal(stolen));
  switch (into) {
    case Into::main: co_await rethrow(stolen); break;
    case Into::group:
      co_await task_group([&](TaskGroup&) -> Task<> { co_await rethrow(stolen); });
      break;
    case Into::child:
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("child", rethrow, stolen);
        co_return;
      });
      break;
    case Into::timeout: co_await with_timeout(1h, rethrow(stolen)); break;
    case Into::shield: co_await shielded(1h, rethrow(stolen)); break;
  }
}

TEST(Rule4DeathTest, CanceledWhereNobodyAskedFailsACheck) {
  for (const Into into : {Into::main, Into::group, Into::child, Into::timeout, Into::shield}) {
    EXPECT_DEATH(run(throw_a_stolen_one(into)), "Canceled arrived where nobody had asked for it");
  }
}

}  // namespace
}  // namespace coracle
