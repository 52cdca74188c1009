// A failed check tells what it knows: the condition, the message, the place, and the awaits that
// led there.
#include "runtime/check.h"

#include <gtest/gtest.h>

#include "runtime/loop.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

TEST(Check, PassesWhatHolds) {
  int evaluated = 0;
  CORACLE_CHECK(++evaluated == 1, "it holds");
  EXPECT_EQ(evaluated, 1) << "once";
}

TEST(CheckDeathTest, PrintsConditionMessageAndPlaceOutsideALoop) {
  const int terms = 1;
  EXPECT_DEATH(CORACLE_CHECK(terms == 2, "two terms"),
               "check failed: two terms\n  terms == 2\n  at .*check_test.cc:[0-9]+\n");
}

Task<> fail_deep_below() {
  co_await yield();
  CORACLE_CHECK(Loop::current_or_null() == nullptr, "no loop here");
}

Task<> lead_there() { co_await fail_deep_below(); }

Task<> spawn_it() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("culprit", lead_there);
    co_return;
  });
}

TEST(CheckDeathTest, PrintsTheAwaitsOfTheRunningFiber) {
  EXPECT_DEATH(run(spawn_it()),
               "check failed: no loop here\n(.|\n)*in culprit \\(running\\)\n"
               "(.|\n)*check_test.cc:[0-9]+\n(.|\n)*check_test.cc:[0-9]+\n");
}

}  // namespace
}  // namespace coracle
