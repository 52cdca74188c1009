// Clean-up that awaits although everything around it is canceled.
#include "runtime/shielded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/logged_run.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

Task<> sleep_and_note(Duration span, std::string what, Notes& notes) {
  co_await sleep_for(span);
  notes.push_back(std::move(what));
}

TEST(Shielded, AwaitsInACanceledScope) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      co_await shielded(1h, sleep_and_note(1ms, "shielded", noted));
      co_await sleep_and_note(1ms, "outside", noted);
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"shielded"});
}

TEST(Shielded, IsNotReachedWhileItRuns) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const auto cancel_soon = [](TaskGroup& inner) -> Task<> {
        inner.cancel();
        co_return;
      };
      group.spawn("canceler", cancel_soon, std::ref(group));
      co_await shielded(1h, sleep_and_note(5ms, "shielded", noted));
      co_await sleep_and_note(1ms, "outside", noted);
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"shielded"});
}

Task<std::unique_ptr<int>> owned_after_yield() {
  co_await yield();
  co_return std::make_unique<int>(8);
}

TEST(Shielded, PassesResults) {
  const auto main = []() -> Task<> {
    const std::unique_ptr<int> owned = co_await shielded(1h, owned_after_yield());
    EXPECT_EQ(*owned, 8);
    co_await shielded(1h, yield());
  };
  run(main());
}

Task<std::string> error_of(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const TimedOut&) {
    co_return "timed out";
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "none";
}

Task<> overrun() { co_await shielded(1ms, sleep_for(1h)); }

// A shield is its own: overrun, it throws TimedOut, also where everything around it is canceled.
TEST(Shielded, OverrunThrowsTimedOut) {
  std::string inside;
  const auto main = [](std::string& error) -> Task<> {
    const std::string alone = co_await error_of(overrun());
    EXPECT_EQ(alone, "timed out");
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      error = co_await error_of(overrun());
      co_await sleep_for(1h);
    });
  };
  run(main(inside));
  EXPECT_EQ(inside, "timed out");
}

TEST(Shielded, ItsTimeBeginsWithIt) {
  const auto main = []() -> Task<> {
    Task<> later = shielded(100ms, sleep_for(1ms));
    co_await sleep_for(101ms);
    const std::string error = co_await error_of(std::move(later));
    EXPECT_EQ(error, "none");
  };
  run(main());
}

TEST(Shielded, ChildrenOfAGroupInsideAreShieldedToo) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      co_await shielded(1h, task_group([&](TaskGroup& inner) -> Task<> {
                          inner.spawn("child", sleep_and_note, 1ms, "child", std::ref(noted));
                          co_return;
                        }));
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"child"});
}

// --- with_cleanup -------------------------------------------------------------------------------

Task<int> give(int value) {
  co_await yield();
  co_return value;
}
Task<> fail(std::string message) {
  co_await yield();
  throw std::runtime_error(message);
}
Task<> long_sleep() { co_await sleep_for(1h); }

TEST(WithCleanup, PassesTheResultOnAfterTheCleanup) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const int result = co_await with_cleanup(give(4), sleep_and_note(1ms, "cleaned up", noted));
    EXPECT_EQ(result, 4);
    EXPECT_EQ(noted, Notes{"cleaned up"});
    const std::unique_ptr<int> owned = co_await with_cleanup(owned_after_yield(), yield());
    EXPECT_EQ(*owned, 8);
    co_await with_cleanup(sleep_for(1ms), sleep_and_note(1ms, "again", noted));
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"cleaned up", "again"}));
}

TEST(WithCleanup, PassesTheTasksFailureOnAfterTheCleanup) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const std::string error =
        co_await error_of(with_cleanup(fail("task"), sleep_and_note(1ms, "cleaned up", noted)));
    EXPECT_EQ(error, "task");
  };
  EXPECT_TRUE(logged_run(main(notes)).empty());
  EXPECT_EQ(notes, Notes{"cleaned up"});
}

TEST(WithCleanup, PassesTheCleanupsFailureOnIfOnlyThatFailed) {
  const auto main = []() -> Task<> {
    const std::string error = co_await error_of(with_cleanup(yield(), fail("cleanup")));
    EXPECT_EQ(error, "cleanup");
  };
  EXPECT_TRUE(logged_run(main()).empty());
}

TEST(WithCleanup, LogsTheCleanupsFailureIfBothFailed) {
  const auto main = []() -> Task<> {
    const std::string error = co_await error_of(with_cleanup(fail("task"), fail("cleanup")));
    EXPECT_EQ(error, "task");
  };
  const std::vector<std::string> log = logged_run(main());
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("cleanup_failed error=\"cleanup\""), std::string::npos) << log[0];
}

TEST(WithCleanup, CleansUpWhatIsCanceledAndPassesThatOn) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const auto cancel_soon = [](TaskGroup& inner) -> Task<> {
        inner.cancel();
        co_return;
      };
      group.spawn("canceler", cancel_soon, std::ref(group));
      co_await with_cleanup(long_sleep(), sleep_and_note(1ms, "cleaned up", noted));
      noted.emplace_back("went on");
    });
  };
  EXPECT_EQ(logged_run(main(notes)).size(), 0U);
  EXPECT_EQ(notes, Notes{"cleaned up"});
}

TEST(WithCleanup, CanceledPassesOnAlsoIfTheCleanupFails) {
  bool went_on = false;
  const auto main = [](bool& passed) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      co_await with_cleanup(long_sleep(), fail("cleanup"));
      passed = true;
    });
  };
  EXPECT_EQ(logged_run(main(went_on)).size(), 1U);
  EXPECT_FALSE(went_on);
}

TEST(WithCleanup, AResultInACanceledScopeStandsAndTheCleanupRuns) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      const auto ready = []() -> Task<int> { co_return 1; };
      const int result = co_await with_cleanup(ready(), sleep_and_note(1ms, "cleaned up", noted));
      EXPECT_EQ(result, 1);
      noted.emplace_back("went on");
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"cleaned up", "went on"}));
}

TEST(WithCleanup, ACleanupThatTakesTooLongTimesOut) {
  const auto main = []() -> Task<> {
    const std::string error = co_await error_of(with_cleanup(yield(), long_sleep(), 1ms));
    EXPECT_EQ(error, "timed out");
  };
  run(main());
}

// --- Everywhere ---------------------------------------------------------------------------------

Task<> clean_up_everywhere(Notes& notes) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("child", with_cleanup<Task<>, Task<>>, long_sleep(),
                sleep_and_note(1ms, "child", notes), Duration(1h));
    co_await with_cleanup(sleep_for(2ms), sleep_and_note(1ms, "body", notes));
    group.cancel();
  });
  notes.emplace_back("end");
}

TEST(WithCleanup, RunsWhereverItsTaskIsCanceled) {
  Notes notes;
  const auto scenario = [&] {
    notes.clear();
    return clean_up_everywhere(notes);
  };
  sweep::cancel_everywhere(scenario, [&] {
    EXPECT_EQ(std::count(notes.begin(), notes.end(), "body"), 1);
    EXPECT_EQ(std::count(notes.begin(), notes.end(), "child"), 1);
  });
  sweep::crash_everywhere(scenario);
  sweep::crash_while_canceling_everywhere(scenario);
}

}  // namespace
}  // namespace coracle
