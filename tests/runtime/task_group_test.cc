// Groups: they end after their children, and nothing that fails in them is lost.
#include "runtime/task_group.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/runtime/logged_run.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

Task<> note(std::string what, Notes& notes) {
  notes.push_back(std::move(what));
  co_return;
}

Task<> note_after_turns(int turns, std::string what, Notes& notes) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
  notes.push_back(std::move(what));
}

// Waits until it is canceled, and notes that.
Task<> wait_for_cancel(std::string name, Notes& notes) {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
    notes.push_back(name + " canceled");
    throw;
  }
}

Task<> fail_after(int turns, std::string message) {
  for (int turn = 0; turn < turns; ++turn) co_await yield();
  throw std::runtime_error(message);
}

// What the awaited task threw; empty if it returned.
Task<std::string> error_of(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "";
}

TEST(TaskGroup, ChildrenStartInOrderAndNotBeforeTheBodyWaits) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", note, "a", std::ref(noted));
      group.spawn("b", note, "b", std::ref(noted));
      noted.emplace_back("body");
      EXPECT_EQ(group.size(), 2U);
      co_await yield();
      noted.emplace_back("body again");
      EXPECT_EQ(group.size(), 0U);
    });
    noted.emplace_back("after");
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"body", "a", "b", "body again", "after"}));
}

TEST(TaskGroup, EndsAfterTheLastChild) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("slow", note_after_turns, 20, "slow", std::ref(noted));
      group.spawn("quick", note_after_turns, 3, "quick", std::ref(noted));
      co_return;
    });
    noted.emplace_back("after");
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"quick", "slow", "after"}));
}

Task<> spawn_another(int more, TaskGroup& group, int& ran) {
  ++ran;
  if (more > 0) group.spawn("another", spawn_another, more - 1, std::ref(group), std::ref(ran));
  co_return;
}

TEST(TaskGroup, AChildMaySpawnIntoIt) {
  int ran = 0;
  const auto main = [](int& count) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("first", spawn_another, 9, std::ref(group), std::ref(count));
      co_return;
    });
  };
  run(main(ran));
  EXPECT_EQ(ran, 10);
}

class Counter {
 public:
  Task<> add(std::unique_ptr<int> amount) {
    co_await yield();
    sum_ += *amount;
  }
  [[nodiscard]] int sum() const { return sum_; }

 private:
  int sum_ = 0;
};

TEST(TaskGroup, KeepsCallablesAndArgumentsUntilTheChildEnds) {
  const auto main = []() -> Task<> {
    Counter counter;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("member", &Counter::add, &counter, std::make_unique<int>(1));
      const auto owner = std::make_shared<int>(2);
      group.spawn("closure", [owner, &counter]() -> Task<> {
        co_await yield();
        co_await counter.add(std::make_unique<int>(*owner));
      });
      std::function<Task<>()> function = [owner, &counter]() -> Task<> {
        co_await yield();
        co_await counter.add(std::make_unique<int>(*owner + 1));
      };
      group.spawn("function", std::move(function));
      co_return;
    });
    EXPECT_EQ(counter.sum(), 1 + 2 + 3);
  };
  run(main());
}

// --- Failures -----------------------------------------------------------------------------------

TEST(TaskGroup, AChildThatThrowsCancelsTheOthersAndItsExceptionPasses) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const auto failing = [](Notes& inner) -> Task<> {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("waits", wait_for_cancel, "child", std::ref(inner));
        group.spawn("fails", fail_after, 2, "broken");
        co_await wait_for_cancel("body", inner);
      });
    };
    const std::string error = co_await error_of(failing(noted));
    EXPECT_EQ(error, "broken");
  };
  const std::vector<std::string> log = logged_run(main(notes));
  EXPECT_EQ(notes, (Notes{"body canceled", "child canceled"}));
  EXPECT_TRUE(log.empty());
}

TEST(TaskGroup, TheSecondFailureIsLoggedWithItsTasksName) {
  const auto main = []() -> Task<> {
    const auto failing = []() -> Task<> {
      co_await task_group([](TaskGroup& group) -> Task<> {
        group.spawn("first", fail_after, 1, "one");
        group.spawn("second", fail_after, 1, "two");
        co_return;
      });
    };
    const std::string error = co_await error_of(failing());
    EXPECT_EQ(error, "one");
  };
  const std::vector<std::string> log = logged_run(main());
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("warning further_failure task=second error=\"two\""), std::string::npos)
      << log[0];
}

TEST(TaskGroup, ABodyThatThrowsCancelsItsChildren) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const auto failing = [](Notes& inner) -> Task<> {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("child", wait_for_cancel, "child", std::ref(inner));
        co_await yield();
        throw std::runtime_error("body");
      });
    };
    const std::string error = co_await error_of(failing(noted));
    EXPECT_EQ(error, "body");
  };
  EXPECT_TRUE(logged_run(main(notes)).empty());
  EXPECT_EQ(notes, Notes{"child canceled"});
}

Task<> fail_when_canceled() {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
    throw std::runtime_error("while stopping");
  }
}

TEST(TaskGroup, AFailureBeatsCanceled) {
  const auto main = []() -> Task<> {
    const auto canceled = []() -> Task<> {
      co_await task_group([](TaskGroup& group) -> Task<> {
        group.spawn("child", fail_when_canceled);
        co_await yield();
        group.cancel();
        co_await sleep_for(1h);
      });
    };
    std::string error = co_await error_of(canceled());
    EXPECT_EQ(error, "while stopping");
    // Also where a deadline had asked: the failure passes, not TimedOut.
    error = co_await error_of(with_timeout(1ms, canceled()));
    EXPECT_EQ(error, "while stopping");
  };
  run(main());
}

TEST(TaskGroup, ABodyThatThrowsBeforeItsChildrenBeganLetsThemRunToTheirFirstWait) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const auto failing = [](Notes& inner) -> Task<> {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("ends", note, "ran", std::ref(inner));
        group.spawn("waits", wait_for_cancel, "child", std::ref(inner));
        throw std::runtime_error("body");
        co_return;
      });
    };
    const std::string error = co_await error_of(failing(noted));
    EXPECT_EQ(error, "body");
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"ran", "child canceled"}));
}

Task<> take_what_throws(std::vector<int> /*values*/) { co_return; }

struct ThrowsWhenCalled {
  Task<> operator()() const { throw std::runtime_error("no task was made"); }
};

TEST(TaskGroup, AFunctionThatThrowsInsteadOfReturningATaskIsAChildThatThrew) {
  const auto main = []() -> Task<> {
    const auto failing = []() -> Task<> {
      co_await task_group([](TaskGroup& group) -> Task<> {
        group.spawn("fine", take_what_throws, std::vector<int>{1, 2});
        group.spawn("throws", ThrowsWhenCalled());
        co_return;
      });
    };
    const std::string error = co_await error_of(failing());
    EXPECT_EQ(error, "no task was made");
  };
  run(main());
}

}  // namespace
}  // namespace coracle
