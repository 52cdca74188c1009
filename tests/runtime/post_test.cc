#include "runtime/post.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/completion.h"
#include "runtime/event.h"
#include "runtime/run.h"
#include "runtime/sleep.h"

namespace coracle {
namespace {

TEST(Post, RunsOnTheLoopsThreadOutsideFibersInOrder) {
  run([]() -> Task<> {
    const std::thread::id home = std::this_thread::get_id();
    std::vector<int> order;
    Event all_ran;
    std::thread other([loop = current_loop_ref(), home, &order, &all_ran] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(loop.post([home, &order, i] {
          EXPECT_EQ(std::this_thread::get_id(), home);
          EXPECT_EQ(Loop::current().running_fiber(), nullptr);
          order.push_back(i);
        }));
      }
      loop.post([&all_ran] { all_ran.set(); });
    });
    co_await all_ran.wait();
    other.join();
    EXPECT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }());
}

TEST(Post, NothingRunsInsideIt) {
  run([]() -> Task<> {
    bool ran = false;
    current_loop_ref().post([&] { ran = true; });
    EXPECT_FALSE(ran);
    while (!ran) co_await yield();
  }());
}

// What is posted by posted work runs in a later pass: no loop in the loop.
TEST(Post, MayPostAgain) {
  run([]() -> Task<> {
    Completion<> done;
    int rounds = 0;
    std::function<void()> again = [&] {
      if (++rounds == 1000) return done.complete();
      current_loop_ref().post(again);
    };
    current_loop_ref().post(again);
    co_await done.wait();
    EXPECT_EQ(rounds, 1000);
  }());
}

TEST(Post, ALoopThatHasEndedTakesNothing) {
  std::optional<LoopRef> loop;
  const auto watched = std::make_shared<int>(7);
  run([](std::optional<LoopRef>& out, std::shared_ptr<int> value) -> Task<> {
    out = current_loop_ref();
    out->post([value] { FAIL() << "main has ended before"; });
    co_return;
  }(loop, watched));
  EXPECT_EQ(watched.use_count(), 1) << "what was not called is destroyed with the loop";
  EXPECT_FALSE(loop->post([watched] { FAIL() << "the loop has ended"; }));
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(PostDeathTest, NeedsALoop) {
  EXPECT_DEATH(static_cast<void>(current_loop_ref()), "inside a loop only");
}

}  // namespace
}  // namespace coracle
