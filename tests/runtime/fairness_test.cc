// Nobody keeps the loop: each fiber that is ready gets its turn, and so do timers and signals.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <vector>

#include "runtime/event.h"
#include "runtime/leaf.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// An operation that never waits, such as a read of a socket that always has data.
class AtOnce final : public Leaf {
 public:
  explicit AtOnce(int& done) : done_(&done) {}
  AtOnce(AtOnce&& other) noexcept : done_(other.done_) {}
  AtOnce& operator=(AtOnce&&) = delete;

  [[nodiscard]] bool try_complete() const {
    ++*done_;
    return true;
  }
  static void start() {}
  [[nodiscard]] int take() const { return *done_; }
  void on_cancel() override {}
  void on_tear_down() override {}
  [[nodiscard]] const char* waits_for() const override { return "nothing"; }

 private:
  int* done_;
};

Task<> hand_over(Event& mine, Event& theirs, int& handed) {
  for (;;) {
    co_await mine.wait();
    mine.reset();
    ++handed;
    theirs.set();
  }
}

TEST(Fairness, TwoFibersThatHandABatonForEverDoNotStarveATimer) {
  int handed = 0;
  const auto main = [](int& count) -> Task<> {
    Event left;
    Event right;
    left.set();
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("left", hand_over, std::ref(left), std::ref(right), std::ref(count));
      group.spawn("right", hand_over, std::ref(right), std::ref(left), std::ref(count));
      co_await sleep_for(1ms);
      group.cancel();
    });
  };
  run(main(handed));
  EXPECT_GT(handed, 0);
}

Task<> yield_for_ever(int& turns) {
  for (;;) {
    co_await yield();
    ++turns;
  }
}

TEST(Fairness, AFiberThatYieldsForEverDoesNotStarveATimer) {
  int turns = 0;
  const auto main = [](int& count) -> Task<> {
    const bool ended = co_await within(1ms, yield_for_ever(count));
    EXPECT_FALSE(ended);
  };
  run(main(turns));
  EXPECT_GT(turns, 0);
}

Task<> never_wait(int& done) {
  for (;;) {
    const int result = co_await AtOnce(done);
    EXPECT_EQ(result, done);
  }
}

Task<> note_turns(const int& done, std::vector<int>& seen) {
  for (int turn = 0; turn < 3; ++turn) {
    seen.push_back(done);
    co_await yield();
  }
}

TEST(Fairness, AFiberThatNeverWaitsGivesUpItsTurnAfter128Operations) {
  std::vector<int> seen;
  const auto main = [](std::vector<int>& turns) -> Task<> {
    int done = 0;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("busy", never_wait, std::ref(done));
      group.spawn("observer", note_turns, std::cref(done), std::ref(turns));
      co_await sleep_for(1ms);
      group.cancel();
    });
  };
  run(main(seen));
  EXPECT_EQ(seen, (std::vector<int>{128, 256, 384}));
}

TEST(Fairness, AFiberThatNeverWaitsCanBeCanceled) {
  const auto main = []() -> Task<> {
    int done = 0;
    const bool ended = co_await within(1ms, never_wait(done));
    EXPECT_FALSE(ended);
    EXPECT_EQ(done % 128, 0);  // what was done is never thrown away: it ends before the next one
  };
  run(main());
}

Task<> interrupt_and_never_wait(int& done) {
  std::raise(SIGINT);
  co_await never_wait(done);
}

TEST(Fairness, AFiberThatNeverWaitsIsReachedBySigint) {
  int done = 0;
  run(interrupt_and_never_wait(done));
  EXPECT_GT(done, 0);
}

}  // namespace
}  // namespace coracle
