// Many awaits in a row, and many tasks one below the other, use no stack; in every build.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "runtime/combinators.h"
#include "runtime/driver.h"
#include "runtime/frame_pool.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

constexpr int kDepth = 100'000;

Task<int> ready(int value) { co_return value; }

Task<> await_ready_tasks(std::int64_t& sum) {
  for (int i = 0; i < 1'000'000; ++i) sum += co_await ready(i);
}

TEST(TaskDepth, AMillionAwaitsOfReadyTasks) {
  std::int64_t sum = 0;
  run(await_ready_tasks(sum));
  EXPECT_EQ(sum, std::int64_t{1'000'000} * 999'999 / 2);
}

enum class AtTheBottom { yields, sleeps_long, throws };

Task<int> descend(int depth, AtTheBottom bottom) {
  if (depth > 0) co_return co_await descend(depth - 1, bottom) + 1;
  switch (bottom) {
    case AtTheBottom::yields: co_await yield(); break;
    case AtTheBottom::sleeps_long: co_await sleep_for(1h); break;
    case AtTheBottom::throws: throw std::runtime_error("bottom");
  }
  co_return 0;
}

TEST(TaskDepth, IsResumedAtTheBottom) {
  const auto main = []() -> Task<> {
    const int depth = co_await descend(kDepth, AtTheBottom::yields);
    EXPECT_EQ(depth, kDepth);
  };
  run(main());
}

TEST(TaskDepth, IsThrownThrough) {
  const auto main = []() -> Task<> { co_await descend(kDepth, AtTheBottom::throws); };
  EXPECT_THROW(run(main()), std::runtime_error);
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

// Stops a main task that has suspended at its bottom.
template <class Stop>
void stop_at_the_bottom(Task<> (*main)(), const Stop& stop) {
  RunOptions options;
  options.log_sink = [](std::string_view) {};
  {
    LoopDriver driver(options);
    driver.start(main());
    driver.loop().set_resumptions_per_pass(1);
    for (int pass = 0; pass < 3; ++pass) driver.step();
    ASSERT_TRUE(driver.loop().main_runs());
    stop(driver);
    while (driver.loop().main_runs()) driver.step();
    driver.finish();
  }
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

const auto cancel = [](LoopDriver& driver) { driver.cancel_main(); };
const auto tear_down = [](LoopDriver& driver) { driver.tear_down(); };

// A clock that ticks on, so that a step never waits for an hour.
Task<> tick() {
  for (;;) co_await yield();
}

Task<> sleep_deep_down() { co_await when_all(descend(kDepth, AtTheBottom::sleeps_long), tick()); }

TEST(TaskDepth, IsCanceledAtTheBottom) { stop_at_the_bottom(sleep_deep_down, cancel); }
TEST(TaskDepth, IsTornDownAtTheBottom) { stop_at_the_bottom(sleep_deep_down, tear_down); }

// Each of these holds the task that it awaits as a parameter.
Task<> wrap(Task<> inner) { co_await std::move(inner); }

Task<> wrapped(Task<> innermost) {
  for (int i = 0; i < kDepth; ++i) innermost = wrap(std::move(innermost));
  return innermost;
}

Task<> await_wrapped_yield() {
  const auto innermost = []() -> Task<> { co_await yield(); };
  co_await wrapped(innermost());
}
Task<> await_wrapped_sleep() {
  const auto innermost = []() -> Task<> { co_await sleep_for(1h); };
  co_await when_all(wrapped(innermost()), tick());
}

TEST(TaskDepth, WrappedTasksEnd) { run(await_wrapped_yield()); }
TEST(TaskDepth, WrappedTasksAreCanceled) { stop_at_the_bottom(await_wrapped_sleep, cancel); }
TEST(TaskDepth, WrappedTasksAreTornDown) { stop_at_the_bottom(await_wrapped_sleep, tear_down); }

TEST(TaskDepth, WrappedTasksAreDestroyedBeforeTheyBegin) {
  bool dropped = false;
  const auto innermost = [](std::shared_ptr<void> /*held*/) -> Task<> { co_return; };
  {
    const Task<> task =
        wrapped(innermost(std::shared_ptr<void>(nullptr, [&](void*) { dropped = true; })));
    EXPECT_FALSE(dropped);
  }
  EXPECT_TRUE(dropped);
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

// Scopes and groups one below the other. Fewer, since each level costs several frames.
constexpr int kScopes = 10'000;

Task<> nest_groups(int depth) {
  co_await task_group([depth](TaskGroup& group) -> Task<> {
    if (depth == 0) {
      co_await sleep_for(1h);
    } else {
      group.spawn("below", nest_groups, depth - 1);
    }
  });
}

Task<> nest_timeouts(int depth) {
  if (depth == 0) {
    co_await sleep_for(1h);
  } else {
    co_await with_timeout(2h, nest_timeouts(depth - 1));
  }
}

Task<> nest_groups_in_place(int depth) {
  co_await task_group([depth](TaskGroup&) -> Task<> {
    if (depth == 0) {
      co_await sleep_for(1h);
    } else {
      co_await nest_groups_in_place(depth - 1);
    }
  });
}

Task<> nest_cleanups(int depth) {
  if (depth == 0) {
    co_await sleep_for(1h);
  } else {
    co_await with_cleanup(nest_cleanups(depth - 1), yield());
  }
}

template <Task<> (*nest)(int)>
Task<> nest_beside_tick() {
  co_await when_all(nest(kScopes), tick());
}

TEST(TaskDepth, NestedScopesAreCanceled) {
  stop_at_the_bottom(nest_beside_tick<nest_timeouts>, cancel);
  stop_at_the_bottom(nest_beside_tick<nest_groups_in_place>, cancel);
  stop_at_the_bottom(nest_beside_tick<nest_cleanups>, cancel);
}
TEST(TaskDepth, NestedScopesAreTornDown) {
  stop_at_the_bottom(nest_beside_tick<nest_timeouts>, tear_down);
  stop_at_the_bottom(nest_beside_tick<nest_groups_in_place>, tear_down);
  stop_at_the_bottom(nest_beside_tick<nest_cleanups>, tear_down);
}

// Fibers one below the other start one after the other: let all of them.
template <class Stop>
void stop_nested_fibers(const Stop& stop) {
  RunOptions options;
  {
    LoopDriver driver(options);
    driver.start(nest_beside_tick<nest_groups>());
    for (int pass = 0; pass < kScopes; ++pass) driver.step();
    EXPECT_GT(driver.loop().live_fibers(), static_cast<std::size_t>(kScopes));
    stop(driver);
    while (driver.loop().main_runs()) driver.step();
    driver.finish();
  }
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

TEST(TaskDepth, NestedFibersAreCanceled) { stop_nested_fibers(cancel); }
TEST(TaskDepth, NestedFibersAreTornDown) { stop_nested_fibers(tear_down); }

}  // namespace
}  // namespace coracle
