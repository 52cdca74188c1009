// when_all and race: several awaits at once, nothing dropped.
#include "runtime/combinators.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "runtime/event.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/logged_run.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<int> give_after(int turns, int value) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
  co_return value;
}
Task<std::unique_ptr<int>> own_after(int turns, int value) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
  co_return std::make_unique<int>(value);
}
Task<int> fail_after(int turns, std::string message) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
  throw std::runtime_error(message);
}
Task<int> sleep_long(int& canceled) {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
    ++canceled;
    throw;
  }
  co_return -1;
}
Task<> nothing_after(int turns) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
}
// Goes on although it is asked to stop, and has something then.
Task<int> finish_in_spite_of_cancel(int value) {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
  }
  co_return value;
}

template <class T>
Task<std::string> error_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "none";
}

TEST(WhenAll, GivesAllResultsInOrder) {
  const auto main = []() -> Task<> {
    const auto results = co_await when_all(give_after(5, 1), own_after(1, 2), nothing_after(3),
                                           sleep_for(1ms), give_after(0, 3));
    EXPECT_EQ(std::get<0>(results), 1);
    EXPECT_EQ(*std::get<1>(results), 2);
    static_assert(std::is_same_v<std::monostate, std::decay_t<decltype(std::get<2>(results))>>);
    static_assert(std::is_same_v<std::monostate, std::decay_t<decltype(std::get<3>(results))>>);
    EXPECT_EQ(std::get<4>(results), 3);
    const std::tuple<> none = co_await when_all();
    static_cast<void>(none);
  };
  run(main());
}

TEST(WhenAll, RunsItsBranchesAtOnce) {
  const auto main = []() -> Task<> {
    Event left;
    Event right;
    const auto meet = [](Event& mine, Event& theirs) -> Task<> {
      mine.set();
      co_await theirs.wait();
    };
    co_await when_all(meet(left, right), meet(right, left));
  };
  run(main());
}

TEST(WhenAll, AFailureCancelsTheOthersAndPasses) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const std::string error = co_await error_of(
        when_all(sleep_long(canceled), fail_after(2, "branch"), sleep_long(canceled)));
    EXPECT_EQ(error, "branch");
    EXPECT_EQ(canceled, 2);
  };
  EXPECT_TRUE(logged_run(main()).empty());
}

TEST(WhenAll, ASecondFailureIsLogged) {
  const auto main = []() -> Task<> {
    const std::string error =
        co_await error_of(when_all(fail_after(1, "one"), fail_after(1, "two")));
    EXPECT_EQ(error, "one");
  };
  EXPECT_EQ(logged_run(main()).size(), 1U);
}

TEST(WhenAll, CanceledIsHandedDownAndThenThrown) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const auto both = co_await within(1ms, when_all(sleep_long(canceled), sleep_long(canceled)));
    EXPECT_FALSE(both.has_value());
    EXPECT_EQ(canceled, 2);
  };
  run(main());
}

TEST(WhenAll, ResultsThatAreCompleteBeatACancellation) {
  const auto main = []() -> Task<> {
    const auto both =
        co_await within(1ms, when_all(finish_in_spite_of_cancel(1), finish_in_spite_of_cancel(2)));
    EXPECT_EQ(both, std::optional(std::tuple(1, 2)));
  };
  run(main());
}

TEST(Race, GivesTheFirstAndCancelsTheOthers) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const auto first = co_await race(sleep_long(canceled), give_after(3, 7), sleep_long(canceled));
    EXPECT_EQ(first.index, 1U);
    EXPECT_EQ(std::get<1>(first.results), std::optional(7));
    EXPECT_FALSE(std::get<0>(first.results).has_value());
    EXPECT_FALSE(std::get<2>(first.results).has_value());
    EXPECT_EQ(canceled, 2);
  };
  run(main());
}

TEST(Race, TakesOperationsAndTasksWithoutAResult) {
  const auto main = []() -> Task<> {
    const auto first = co_await race(sleep_for(1h), nothing_after(2), sleep_for(2h));
    EXPECT_EQ(first.index, 1U);
    EXPECT_TRUE(std::get<1>(first.results).has_value());
  };
  run(main());
}

TEST(Race, MoveOnlyResults) {
  const auto main = []() -> Task<> {
    const auto first = co_await race(own_after(9, 1), own_after(1, 2));
    EXPECT_EQ(first.index, 1U);
    EXPECT_EQ(**std::get<1>(first.results), 2);
  };
  run(main());
}

// Both events are set at once: neither result is dropped.
TEST(Race, TwoThatFinishInOnePassAreBothGiven) {
  const auto main = []() -> Task<> {
    Event event;
    const auto wait_and_give = [](Event& awaited, int value) -> Task<int> {
      co_await awaited.wait();
      co_return value;
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const auto set_later = [](Event& set) -> Task<> {
        co_await yield();
        co_await yield();
        set.set();
      };
      group.spawn("setter", set_later, std::ref(event));
      const auto both = co_await race(wait_and_give(event, 1), wait_and_give(event, 2));
      EXPECT_EQ(both.index, 0U);
      EXPECT_EQ(both.results, std::tuple(std::optional(1), std::optional(2)));
    });
  };
  run(main());
}

TEST(Race, ALoserThatFinishesAllTheSameIsGiven) {
  const auto main = []() -> Task<> {
    const auto both = co_await race(finish_in_spite_of_cancel(1), give_after(1, 2));
    EXPECT_EQ(both.index, 1U);
    EXPECT_EQ(both.results, std::tuple(std::optional(1), std::optional(2)));
  };
  run(main());
}

TEST(Race, AFailureBeforeAnyResultPasses) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const std::string error =
        co_await error_of(race(sleep_long(canceled), fail_after(1, "branch")));
    EXPECT_EQ(error, "branch");
    EXPECT_EQ(canceled, 1);
  };
  run(main());
}

TEST(Race, CanceledIsHandedDownAndThenThrown) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const auto none = co_await within(1ms, race(sleep_long(canceled), sleep_long(canceled)));
    EXPECT_FALSE(none.has_value());
    EXPECT_EQ(canceled, 2);
  };
  run(main());
}

// The winner was there before the cancellation of the whole took effect: it is not dropped.
TEST(Race, AResultBeatsACancellationThatComesLater) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    const auto late =
        co_await within(1ms, race(finish_in_spite_of_cancel(1), sleep_long(canceled)));
    EXPECT_TRUE(late.has_value());
    EXPECT_EQ(late->index, 0U);
    EXPECT_EQ(canceled, 1);
  };
  run(main());
}

// --- Everywhere ---------------------------------------------------------------------------------

Task<> combine() {
  const auto all = co_await when_all(give_after(2, 1), own_after(1, 2), sleep_for(1ms));
  EXPECT_EQ(*std::get<1>(all), 2);
  int canceled = 0;
  const auto first = co_await race(sleep_long(canceled), give_after(2, 1),
                                   when_all(sleep_long(canceled), sleep_for(1h)));
  EXPECT_EQ(first.index, 1U);
}

TEST(Combinators, SurviveCancellationAndCrashAnywhere) {
  sweep::cancel_everywhere(combine);
  sweep::crash_everywhere(combine);
  sweep::crash_while_canceling_everywhere(combine);
}

}  // namespace
}  // namespace coracle
