#include "runtime/completion.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/post.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Pointer = std::unique_ptr<int>;

TEST(Completion, MayBeCompletedBeforeItIsAwaited) {
  run([]() -> Task<> {
    Completion<Pointer> value;
    Completion<> done;
    EXPECT_FALSE(value.decided());
    value.complete(std::make_unique<int>(7));
    done.complete();
    EXPECT_TRUE(value.decided());
    Pointer result = co_await value.wait();
    EXPECT_EQ(*result, 7);
    co_await done.wait();
  }());
}

TEST(Completion, WakesWhoWaits) {
  run([]() -> Task<> {
    Completion<std::string> answered;
    std::string answer;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "callback",
          [](Completion<std::string>* completion) -> Task<> {
            completion->complete("yes");
            co_return;
          },
          &answered);
      answer = co_await answered.wait();
    });
    EXPECT_EQ(answer, "yes");
  }());
}

// As the callback of another library comes: on the loop's thread, outside any fiber.
TEST(Completion, MayBeCompletedOutsideAFiber) {
  run([]() -> Task<> {
    Completion<int> answered;
    current_loop_ref().post([&] {
      EXPECT_EQ(Loop::current().running_fiber(), nullptr);
      answered.complete(7);
    });
    const int answer = co_await answered.wait();
    EXPECT_EQ(answer, 7);
  }());
}

Task<> expect_failure(Completion<int>& completion) {
  try {
    static_cast<void>(co_await completion.wait());
    ADD_FAILURE() << "it did not throw";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "broken");
  }
}

TEST(Completion, ThrowsAFailure) {
  run([]() -> Task<> {
    Completion<int> before;
    before.fail(std::make_exception_ptr(std::runtime_error("broken")));
    EXPECT_TRUE(before.decided());
    co_await expect_failure(before);

    Completion<int> later;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("waiter", expect_failure, std::ref(later));
      co_await yield();
      later.fail(std::make_exception_ptr(std::runtime_error("broken")));
    });
  }());
}

// The result that comes after a cancellation is not lost: it can be awaited again.
TEST(Completion, StaysOpenWhenItsWaiterIsCanceled) {
  run([]() -> Task<> {
    Completion<int> answered;
    const std::optional<int> nothing = co_await within(1ms, answered.wait());
    EXPECT_EQ(nothing, std::nullopt);
    answered.complete(7);
    const int answer = co_await answered.wait();
    EXPECT_EQ(answer, 7);
  }());
}

// How a callback that still comes is waited for before the completion goes.
TEST(Completion, CanBeWaitedForInACleanup) {
  run([]() -> Task<> {
    Completion<int> answered;
    int answer = 0;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      const auto take_late_answer = [](Completion<int>& late, int& result) -> Task<> {
        current_loop_ref().post([&late] { late.complete(7); });
        result = co_await late.wait();
      };
      co_await with_cleanup(answered.wait(), take_late_answer(answered, answer));
    });
    EXPECT_EQ(answer, 7);
  }());
}

Task<> note_result(Completion<int>& completion, int& result) {
  result = co_await completion.wait();
}

TEST(Completion, AResultBeatsALaterCancellation) {
  run([]() -> Task<> {
    Completion<int> answered;
    int answer = 0;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, note_result(answered, answer));
      co_await yield();
      answered.complete(7);
      canceled.stop();
    });
    EXPECT_EQ(answer, 7);
  }());
}

Task<> complete_soon(Completion<Pointer>& completion, bool well) {
  co_await yield();
  if (well) {
    completion.complete(std::make_unique<int>(7));
  } else {
    completion.fail(std::make_exception_ptr(std::runtime_error("broken")));
  }
}

Task<> everything() {
  Completion<Pointer> answered;
  Completion<Pointer> failed;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("completes", complete_soon, std::ref(answered), true);
    group.spawn("fails", complete_soon, std::ref(failed), false);
    Pointer answer = co_await answered.wait();
    EXPECT_EQ(*answer, 7);
    try {
      static_cast<void>(co_await failed.wait());
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "broken");
    }
  });
}

TEST(Completion, CanBeCanceledAnywhere) { EXPECT_GT(sweep::cancel_everywhere(everything), 3); }
TEST(Completion, CanCrashAnywhere) { EXPECT_GT(sweep::crash_everywhere(everything), 3); }
TEST(Completion, CanCrashWhileItIsCanceled) {
  EXPECT_GT(sweep::crash_while_canceling_everywhere(everything), 3);
}

TEST(CompletionDeathTest, IsDecidedOnce) {
  Completion<int> completion;
  completion.complete(1);
  EXPECT_DEATH(completion.complete(2), "a result is given exactly once");
  EXPECT_DEATH(completion.fail(std::make_exception_ptr(1)), "a result is given exactly once");
  Completion<int> failed;
  EXPECT_DEATH(failed.fail(nullptr), "a failure is an exception");
}

Task<> await_twice() {
  Completion<int> completion;
  completion.complete(1);
  static_cast<void>(co_await completion.wait());
  static_cast<void>(co_await completion.wait());
}

Task<> await_from_two() {
  Completion<int> completion;
  int result = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("one", note_result, std::ref(completion), std::ref(result));
    group.spawn("two", note_result, std::ref(completion), std::ref(result));
    co_return;
  });
}

TEST(CompletionDeathTest, IsAwaitedByOneAndTakenOnce) {
  EXPECT_DEATH(run(await_twice()), "a result is taken once");
  EXPECT_DEATH(run(await_from_two()), "one task at a time waits for a completion");
}

Task<> destroy_under_its_waiter(bool complete_first) {
  auto completion = std::make_unique<Completion<int>>();
  int result = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("left_behind", note_result, std::ref(*completion), std::ref(result));
    co_await yield();
    if (complete_first) completion->complete(1);
    completion.reset();
  });
}

TEST(CompletionDeathTest, IsNotDestroyedUnderItsWaiter) {
  EXPECT_DEATH(run(destroy_under_its_waiter(false)), "left_behind(.|\n)*waits for a completion");
  EXPECT_DEATH(run(destroy_under_its_waiter(true)), "destroyed while this task .*left_behind");
}

}  // namespace
}  // namespace coracle
