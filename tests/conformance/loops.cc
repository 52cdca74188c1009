#include "tests/conformance/loops.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/error.h"
#include "runtime/event.h"
#include "runtime/post.h"
#include "runtime/run_blocking.h"
#include "runtime/shielded.h"
#include "runtime/signals.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle::conformance {
namespace {

using namespace std::chrono_literals;

Task<> never_wakes_early() {
  for (const Duration span : std::array<Duration, 4>{1us, 999us, 1ms, 3ms}) {
    const TimePoint begin = now();
    co_await sleep_for(span);
    EXPECT_GE(now() - begin, span);
  }
  const TimePoint past = now() - 1s;
  co_await sleep_until(past);
  co_await sleep_for(-1s);
}

Task<> note_after(Duration span, int number, std::vector<int>& order) {
  co_await sleep_for(span);
  order.push_back(number);
}

Task<> wakes_in_the_order_of_deadlines() {
  std::vector<int> order;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("third", note_after, 30ms, 3, std::ref(order));
    group.spawn("first", note_after, 10ms, 1, std::ref(order));
    group.spawn("second", note_after, 20ms, 2, std::ref(order));
    co_return;
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

Task<> note_at(TimePoint when, int number, std::vector<int>& order) {
  co_await sleep_until(when);
  order.push_back(number);
}

// What a program makes ready itself keeps its order, in a simulation as well.
Task<> keeps_the_order_of_equal_deadlines() {
  std::vector<int> order;
  const TimePoint when = now() + 5ms;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 10; ++i) group.spawn("sleep", note_at, when, i, std::ref(order));
    co_return;
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

Task<> wait_and_note(Event& event, int number, std::vector<int>& order) {
  co_await event.wait();
  order.push_back(number);
}

Task<> wakes_waiters_in_their_order() {
  Event event;
  std::vector<int> order;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 5; ++i) {
      group.spawn("wait", wait_and_note, std::ref(event), i, std::ref(order));
    }
    co_await sleep_for(1ms);
    event.set();
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

Task<> times_out_and_gives_the_result_otherwise() {
  const bool slept = co_await within(1ms, sleep_for(1h));
  EXPECT_FALSE(slept);
  const bool in_time = co_await within(1h, sleep_for(1ms));
  EXPECT_TRUE(in_time);
  bool timed_out = false;
  try {
    co_await with_timeout(2ms, with_timeout(1h, sleep_for(1h)));
  } catch (const TimedOut&) {
    timed_out = true;
  }
  EXPECT_TRUE(timed_out);
}

Task<> cancels_what_waits() {
  const TimePoint begin = now();
  std::vector<int> order;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("sleep", note_after, 1h, 1, std::ref(order));
    co_await sleep_for(2ms);
    group.cancel();
  });
  EXPECT_TRUE(order.empty());
  EXPECT_LT(now() - begin, 30min);
}

Task<> finishes_what_is_shielded() {
  bool finished = false;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn(
        "shielded",
        [](bool& done) -> Task<> {
          co_await shielded(1h, sleep_for(5ms));
          done = true;
        },
        std::ref(finished));
    co_await sleep_for(1ms);
    group.cancel();
  });
  EXPECT_TRUE(finished);
}

Task<> runs_what_blocks_elsewhere() {
  const int answer = co_await run_blocking([] {
    EXPECT_EQ(Loop::current_or_null(), nullptr);
    return 42;
  });
  EXPECT_EQ(answer, 42);
  std::string why;
  try {
    co_await run_blocking([]() -> int { throw std::runtime_error("no luck"); });
  } catch (const std::runtime_error& error) {
    why = error.what();
  }
  EXPECT_EQ(why, "no luck");
}

// Begun, it is waited for: what it borrows lives until then.
Task<> block_and_tell(Event& at_work, bool& over) {
  const LoopRef loop = current_loop_ref();
  co_await run_blocking([&] {
    loop.post([&at_work] { at_work.set(); });
    std::this_thread::sleep_for(2ms);
    over = true;
  });
}

Task<> waits_for_blocking_work_when_canceled() {
  Event at_work;
  bool done = false;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("work", block_and_tell, std::ref(at_work), std::ref(done));
    co_await at_work.wait();
    group.cancel();
  });
  EXPECT_TRUE(done);
}

Task<> runs_what_is_posted_in_its_order() {
  std::vector<int> order;
  Event last;
  const LoopRef loop = current_loop_ref();
  for (int i = 0; i < 5; ++i) {
    const bool accepted = loop.post([&order, &last, i] {
      order.push_back(i);
      if (i == 4) last.set();
    });
    EXPECT_TRUE(accepted);
  }
  EXPECT_TRUE(order.empty()) << "not from inside the caller";
  co_await last.wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

Task<> yields_to_whoever_is_ready() {
  std::vector<int> order;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      group.spawn(
          "turns",
          [](int number, std::vector<int>& turns) -> Task<> {
            for (int turn = 0; turn < 3; ++turn) {
              turns.push_back(number);
              co_await yield();
            }
          },
          i, std::ref(order));
    }
    co_return;
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 0, 1, 0, 1}));
}

Task<> refuses_signals_that_nobody_can_watch() {
  int code = 0;
  try {
    const Signals signals({SIGKILL});
  } catch (const Error& error) {
    code = error.code().value();
  }
  EXPECT_EQ(code, EINVAL);
  co_return;
}

Task<> fails_with_the_first_failure() {
  std::string why;
  try {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("later", []() -> Task<> { co_await sleep_for(1h); });
      group.spawn("fails", []() -> Task<> {
        co_await sleep_for(1ms);
        throw std::runtime_error("first");
      });
      co_await sleep_for(1h);
    });
  } catch (const std::runtime_error& error) {
    why = error.what();
  }
  EXPECT_EQ(why, "first");
}

constexpr std::array kBehaviors{
    LoopBehavior{"NeverWakesEarly", never_wakes_early},
    LoopBehavior{"WakesInTheOrderOfDeadlines", wakes_in_the_order_of_deadlines},
    LoopBehavior{"KeepsTheOrderOfEqualDeadlines", keeps_the_order_of_equal_deadlines},
    LoopBehavior{"WakesWaitersInTheirOrder", wakes_waiters_in_their_order},
    LoopBehavior{"TimesOutAndGivesTheResultOtherwise", times_out_and_gives_the_result_otherwise},
    LoopBehavior{"CancelsWhatWaits", cancels_what_waits},
    LoopBehavior{"FinishesWhatIsShielded", finishes_what_is_shielded},
    LoopBehavior{"RunsWhatBlocksElsewhere", runs_what_blocks_elsewhere},
    LoopBehavior{"WaitsForBlockingWorkWhenCanceled", waits_for_blocking_work_when_canceled},
    LoopBehavior{"RunsWhatIsPostedInItsOrder", runs_what_is_posted_in_its_order},
    LoopBehavior{"YieldsToWhoeverIsReady", yields_to_whoever_is_ready},
    LoopBehavior{"RefusesSignalsThatNobodyCanWatch", refuses_signals_that_nobody_can_watch},
    LoopBehavior{"FailsWithTheFirstFailure", fails_with_the_first_failure},
};

}  // namespace

std::span<const LoopBehavior> loop_behaviors() { return kBehaviors; }

}  // namespace coracle::conformance
