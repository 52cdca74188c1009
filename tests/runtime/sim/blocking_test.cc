// run_blocking() and its pool in a simulated world.
#include "runtime/run_blocking.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/event.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> block_once(Duration& took, bool& has_loop) {
  const TimePoint begin = now();
  const int answer = co_await run_blocking([&has_loop] {
    has_loop = Loop::current_or_null() != nullptr;
    return 42;
  });
  EXPECT_EQ(answer, 42);
  took = now() - begin;
}

TEST(BlockingWork, TakesVirtualTimeAndSeesNoLoop) {
  sim::Simulation world(1);
  Duration took{};
  bool has_loop = true;
  world.add_host("a").start(block_once, std::ref(took), std::ref(has_loop));
  world.run();
  EXPECT_FALSE(has_loop) << "as on a thread of the pool";
  EXPECT_GT(took, 0s);
  EXPECT_LE(took, 10ms);
}

Task<> block_and_note(int number, std::vector<int>& order) {
  co_await run_blocking([&] { order.push_back(number); });
}

Task<> block_at_once(std::vector<int>& order) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 8; ++i) group.spawn("work", block_and_note, i, std::ref(order));
    co_return;
  });
}

// Four at a time; which of those is done first, only the seed knows.
TEST(BlockingWork, EndsInAnyOrder) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Simulation world(seed);
    std::vector<int> order;
    world.add_host("a").start(block_at_once, std::ref(order));
    world.run();
    ASSERT_EQ(order.size(), 8U);
    EXPECT_LT(order.front(), 4) << "the fifth had to wait";
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 15U);
}

// What has not begun is not done; what has begun is waited for.
TEST(BlockingWork, IsCanceledBeforeItBegins) {
  sim::Simulation world(1);
  std::vector<int> order;
  sim::Host& host = world.add_host("a");
  host.start(block_at_once, std::ref(order));
  host.signal(SIGTERM);
  world.run();
  EXPECT_LE(order.size(), 4U);
  EXPECT_EQ(host.failure(), nullptr);
}

}  // namespace
}  // namespace coracle
