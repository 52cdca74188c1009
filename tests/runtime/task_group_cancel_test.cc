// Groups that are asked to stop: by cancel(), or by what encloses them.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

Task<> note_cancel(std::string name, Notes& notes) {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
    notes.push_back(std::move(name));
    throw;
  }
}

TEST(TaskGroupCancel, StopsBodyAndChildrenAndReturnsNormally) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", note_cancel, "a", std::ref(noted));
      group.spawn("b", note_cancel, "b", std::ref(noted));
      co_await yield();
      EXPECT_FALSE(group.canceled());
      group.cancel();
      EXPECT_TRUE(group.canceled());
      co_await note_cancel("body", noted);
      ADD_FAILURE() << "the body goes on";
    });
    noted.emplace_back("after");
    co_await sleep_for(1ms);  // nothing outside is canceled
    noted.emplace_back("later");
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"body", "a", "b", "after", "later"}));
}

TEST(TaskGroupCancel, TwiceIsTheSameAsOnce) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", note_cancel, "a", std::ref(noted));
      co_await yield();
      group.cancel();
      group.cancel();
      try {
        co_await sleep_for(1h);
      } catch (const Canceled&) {
        group.cancel();
      }
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"a"});
}

TEST(TaskGroupCancel, IsLevelTriggered) {
  const auto main = []() -> Task<> {
    int canceled = 0;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      for (int attempt = 0; attempt < 3; ++attempt) {
        try {
          co_await sleep_for(1h);
        } catch (const Canceled&) {
          ++canceled;
        }
      }
    });
    EXPECT_EQ(canceled, 3);
  };
  run(main());
}

Task<> await_once(Notes& notes) {
  notes.emplace_back("began");
  co_await yield();
  notes.emplace_back("went on");
}

TEST(TaskGroupCancel, BeforeTheFirstAwaitIsLikeWhileWaiting) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("early", await_once, std::ref(noted));
      group.cancel();
      co_await await_once(noted);
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"began", "began"}));
}

TEST(TaskGroupCancel, ACanceledGroupMaySpawn) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      group.spawn("late", await_once, std::ref(noted));
      co_return;
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"began"});
}

TEST(TaskGroupCancel, ReachesGroupsBelow) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    const auto middle = [](Notes& inner) -> Task<> {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("grandchild", note_cancel, "grandchild", std::ref(inner));
        co_return;
      });
      inner.emplace_back("the middle's group returned normally");
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("middle", middle, std::ref(noted));
      co_await sleep_for(1ms);
      group.cancel();
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"grandchild"});
}

Task<> spawn_and_return(std::string name, Notes& notes) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("child", note_cancel, name, std::ref(notes));
    co_return;
  });
}

// The children's Canceled arrives at the end of the group, although the body had returned.
TEST(TaskGroupCancel, ADeadlineAroundAGroupWhoseBodyHasReturnedTimesOut) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    bool timed_out = false;
    try {
      co_await with_timeout(1ms, spawn_and_return("first", noted));
    } catch (const TimedOut&) {
      timed_out = true;
    }
    EXPECT_TRUE(timed_out);
    const bool in_time = co_await within(1ms, spawn_and_return("second", noted));
    EXPECT_FALSE(in_time);
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"first", "second"}));
}

Task<> end_in_spite_of_cancel() {
  try {
    co_await sleep_for(1h);
  } catch (const Canceled&) {
  }
}

TEST(TaskGroupCancel, AGroupThatEndsInSpiteOfItReturnsNormally) {
  const auto main = []() -> Task<> {
    const bool in_time = co_await within(1ms, task_group([](TaskGroup& group) -> Task<> {
                                           group.spawn("child", end_in_spite_of_cancel);
                                           co_return;
                                         }));
    EXPECT_TRUE(in_time);
  };
  run(main());
}

Task<> cancel_from_below(TaskGroup& group) {
  group.cancel();
  co_await sleep_for(1h);
}

// The sibling had not begun: it runs to its first await before the body has its turn.
TEST(TaskGroupCancel, FromAChild) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceler", cancel_from_below, std::ref(group));
      group.spawn("sibling", note_cancel, "sibling", std::ref(noted));
      co_await note_cancel("body", noted);
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, (Notes{"sibling", "body"}));
}

// A scope inside the group is no part of its children: a timeout in the body leaves them alone.
TEST(TaskGroupCancel, ATimeoutInTheBodyDoesNotReachTheChildren) {
  Notes notes;
  const auto main = [](Notes& noted) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const auto spawn_and_sleep = [](TaskGroup& outer, Notes& inner) -> Task<> {
        outer.spawn("child", note_cancel, "child", std::ref(inner));
        co_await sleep_for(1h);
      };
      const bool in_time = co_await within(1ms, spawn_and_sleep(group, noted));
      EXPECT_FALSE(in_time);
      EXPECT_EQ(group.size(), 1U);
      EXPECT_TRUE(noted.empty());
      group.cancel();
    });
  };
  run(main(notes));
  EXPECT_EQ(notes, Notes{"child"});
}

}  // namespace
}  // namespace coracle
