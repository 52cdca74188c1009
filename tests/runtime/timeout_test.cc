// Deadlines around awaits. On the real clock, so no test asserts how late something is.
#include "runtime/timeout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "runtime/event.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// How an awaited task ended.
enum class Ended { returned, timed_out, canceled, failed };

Task<> note_end(Task<> task, Ended& ended) {
  try {
    co_await std::move(task);
    ended = Ended::returned;
  } catch (const TimedOut&) {
    ended = Ended::timed_out;
  } catch (const Canceled&) {
    ended = Ended::canceled;
    throw;
  } catch (const std::runtime_error&) {
    ended = Ended::failed;
  }
}

Task<Ended> end_of(Task<> task) {
  Ended ended = Ended::failed;
  co_await note_end(std::move(task), ended);
  co_return ended;
}

Task<> long_sleep() { co_await sleep_for(1h); }

TEST(WithTimeout, ThrowsTimedOutAtTheDeadlineAndNotBefore) {
  const auto main = []() -> Task<> {
    const TimePoint start = now();
    const Ended ended = co_await end_of(with_timeout(2ms, long_sleep()));
    EXPECT_EQ(ended, Ended::timed_out);
    EXPECT_GE(now() - start, 2ms);
  };
  run(main());
}

TEST(WithTimeout, TimedOutIsAnErrorOfItsOwnKind) {
  const auto main = []() -> Task<> {
    try {
      co_await with_timeout(0ms, long_sleep());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::errc::timed_out);
      co_return;
    }
    ADD_FAILURE();
  };
  run(main());
}

Task<std::unique_ptr<int>> owned_after_yield(int value) {
  co_await yield();
  co_return std::make_unique<int>(value);
}

Task<int&> pass_on(int& value) {
  co_await yield();
  co_return value;
}

Task<> fail() {
  co_await yield();
  throw std::runtime_error("failed");
}

TEST(WithTimeout, PassesResultsAndFailures) {
  const auto main = []() -> Task<> {
    const std::unique_ptr<int> owned = co_await with_timeout(1h, owned_after_yield(3));
    EXPECT_EQ(*owned, 3);
    int local = 0;
    const int& same = co_await with_timeout(1h, pass_on(local));
    EXPECT_EQ(&same, &local);
    const Ended ended = co_await end_of(with_timeout(1h, fail()));
    EXPECT_EQ(ended, Ended::failed);
    const std::optional<std::unique_ptr<int>> in_time = co_await within(1h, owned_after_yield(4));
    EXPECT_EQ(**in_time, 4);
  };
  run(main());
}

TEST(WithTimeout, TakesOperationsAsWellAsTasks) {
  const auto main = []() -> Task<> {
    const bool slept = co_await within(1ms, sleep_for(1h));
    EXPECT_FALSE(slept);
    const bool yielded = co_await within(1h, yield());
    EXPECT_TRUE(yielded);
    Event event;
    const std::optional<bool> was_set = co_await within(1h, event.wait_until(now() + 1ms));
    EXPECT_EQ(was_set, std::optional(false));
  };
  run(main());
}

TEST(WithDeadline, MayNeverCome) {
  const auto main = []() -> Task<> {
    co_await with_deadline(kNever, sleep_for(1ms));
    co_await with_timeout(Duration::max(), sleep_for(1ms));
  };
  run(main());
}

// --- Deadlines that meet ------------------------------------------------------------------------

Task<> catch_inner_timeout(bool& inner_timed_out) {
  const Ended inner = co_await end_of(with_timeout(1ms, long_sleep()));
  inner_timed_out = inner == Ended::timed_out;
  co_await long_sleep();
}

TEST(Timeouts, TheInnerOneEndsTheInsideOnly) {
  const auto main = []() -> Task<> {
    bool inner_timed_out = false;
    const bool in_time = co_await within(20ms, catch_inner_timeout(inner_timed_out));
    EXPECT_TRUE(inner_timed_out);
    EXPECT_FALSE(in_time);
  };
  run(main());
}

TEST(Timeouts, TheOuterOneEndsBoth) {
  const auto main = []() -> Task<> {
    Ended inner = Ended::returned;
    const bool in_time = co_await within(1ms, note_end(with_timeout(1h, long_sleep()), inner));
    EXPECT_FALSE(in_time);
    EXPECT_EQ(inner, Ended::canceled);  // rule 1: not its own deadline
  };
  run(main());
}

TEST(Timeouts, AtOnePointInTimeTheOuterOneWins) {
  const auto main = []() -> Task<> {
    const TimePoint deadline = now() + 1ms;
    Ended inner = Ended::returned;
    const Ended outer = co_await end_of(
        with_deadline(deadline, note_end(with_deadline(deadline, long_sleep()), inner)));
    EXPECT_EQ(inner, Ended::canceled);
    EXPECT_EQ(outer, Ended::timed_out);
  };
  run(main());
}

// An own deadline that fires in the same pass as a cancellation from outside: rule 1.
TEST(Timeouts, AnOwnDeadlineBesideAnOuterCancelPassesCanceledOn) {
  Ended inner = Ended::returned;
  const auto main = [](Ended& ended) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const TimePoint deadline = now() + 1ms;
      group.spawn("inner", note_end, with_deadline(deadline, long_sleep()), std::ref(ended));
      co_await sleep_until(deadline);
      group.cancel();
    });
  };
  run(main(inner));
  EXPECT_EQ(inner, Ended::canceled);
}

// --- What is ready beats a deadline that comes later --------------------------------------------

Task<int> return_late(int value) {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
  }
  co_return value;
}

TEST(Within, AResultBeatsALateDeadline) {
  const auto main = []() -> Task<> {
    const std::optional<int> late = co_await within(1ms, return_late(5));
    EXPECT_EQ(late, std::optional(5));
    const int timed = co_await with_timeout(1ms, return_late(6));
    EXPECT_EQ(timed, 6);
  };
  run(main());
}

Task<> set_after(Event& event, TimePoint deadline) {
  while (now() <= deadline) {
  }
  event.set();
  co_return;
}

Task<> wait_within(Event& event, TimePoint deadline, Ended& ended) {
  co_await note_end(with_deadline(deadline, event.wait()), ended);
}

// One resumption in each pass: the event is set in one, and the deadline comes at the start of the
// next, before the waiter has run.
TEST(Within, AnOperationThatIsDoneIsNotCanceled) {
  Ended ended = Ended::failed;
  const auto main = [](Ended& waiter_ended) -> Task<> {
    Event event;
    const TimePoint deadline = now() + 5ms;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("waiter", wait_within, std::ref(event), deadline, std::ref(waiter_ended));
      group.spawn("setter", set_after, std::ref(event), deadline);
      co_return;
    });
  };
  sweep::SteppedRun stepped([&] { return main(ended); });
  stepped.finish();
  EXPECT_EQ(ended, Ended::returned);
}

TEST(Within, ADeadlineThatHasPassedStillLetsWhatNeedsNoWaitingEnd) {
  const auto main = []() -> Task<> {
    Event event;
    event.set();
    const bool was_set = co_await within(-1s, event.wait());
    EXPECT_TRUE(was_set);
    const bool slept = co_await within(-1s, long_sleep());
    EXPECT_FALSE(slept);
  };
  run(main());
}

// --- Timeouts and shields -----------------------------------------------------------------------

Task<> shield_inside(bool& shielded_ended) {
  co_await shielded(1h, sleep_for(10ms));
  shielded_ended = true;
  co_await long_sleep();
}

TEST(Timeouts, AroundCodeThatShieldsTakesEffectAfterTheShield) {
  const auto main = []() -> Task<> {
    bool shielded_ended = false;
    const Ended ended = co_await end_of(with_timeout(1ms, shield_inside(shielded_ended)));
    EXPECT_TRUE(shielded_ended);
    EXPECT_EQ(ended, Ended::timed_out);
  };
  run(main());
}

// --- Everywhere ---------------------------------------------------------------------------------

Task<> many_timeouts() {
  const bool in_time = co_await within(1ms, with_timeout(1h, long_sleep()));
  EXPECT_FALSE(in_time);
  const Ended ended = co_await end_of(with_timeout(1ms, task_group([](TaskGroup& group) -> Task<> {
                                                     group.spawn("child", long_sleep);
                                                     co_await shielded(1h, yield());
                                                     co_await long_sleep();
                                                   })));
  EXPECT_EQ(ended, Ended::timed_out);
}

TEST(Timeouts, SurviveCancellationAndCrashAnywhere) {
  sweep::cancel_everywhere(many_timeouts);
  sweep::crash_everywhere(many_timeouts);
  sweep::crash_while_canceling_everywhere(many_timeouts);
}

}  // namespace
}  // namespace coracle
