// A simulated crash: frames are destroyed from each fiber's leaf up, none is resumed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/leaf.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

// Notes its end.
class Local {
 public:
  Local(std::string name, Notes& notes) : name_(std::move(name)), notes_(notes) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { notes_.push_back(name_); }

 private:
  std::string name_;
  Notes& notes_;
};

Task<> sleep_below(std::string name, Notes& notes) {
  const Local local(name + "'s leaf", notes);
  co_await sleep_for(1h);
  notes.emplace_back("was resumed");
}

Task<> child(std::string name, Notes& notes) {
  const Local local(name, notes);
  co_await sleep_below(name, notes);
}

Task<> opens_a_group(Notes& notes) {
  const Local outer("opener's local", notes);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    const Local body("body's local", notes);
    group.spawn("first", child, "first", std::ref(notes));
    group.spawn("second", child, "second", std::ref(notes));
    co_await child("body", notes);
  });
}

// Lets everything run to where it waits, then crashes.
void crash_where_it_waits(const sweep::Scenario& scenario, int resumptions) {
  const sweep::Resources before = sweep::Resources::now();
  {
    sweep::SteppedRun stepped(scenario);
    ASSERT_TRUE(stepped.resume(resumptions));
    stepped.crash();
  }
  EXPECT_EQ(before.frames, sweep::Resources::now().frames);
}

TEST(Crash, DestroysLeavesFirstAndTheLastChildFirst) {
  Notes notes;
  crash_where_it_waits([&] { return opens_a_group(notes); }, 3);
  EXPECT_EQ(notes, (Notes{"body's leaf", "body", "body's local", "second's leaf", "second",
                          "first's leaf", "first", "opener's local"}));
}

Task<> grandchildren(Notes& notes) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("a", opens_a_group, std::ref(notes));
    co_return;
  });
}

TEST(Crash, AFiberGoesBeforeTheLocalsAboveItsGroup) {
  Notes notes;
  crash_where_it_waits([&] { return grandchildren(notes); }, 4);
  EXPECT_EQ(notes, (Notes{"body's leaf", "body", "body's local", "second's leaf", "second",
                          "first's leaf", "first", "opener's local"}));
}

// A local that tries to start something when it ends.
class SpawnsAtItsEnd {
 public:
  explicit SpawnsAtItsEnd(TaskGroup& group, Notes& notes) : group_(group), notes_(notes) {}
  SpawnsAtItsEnd(const SpawnsAtItsEnd&) = delete;
  SpawnsAtItsEnd& operator=(const SpawnsAtItsEnd&) = delete;
  ~SpawnsAtItsEnd() {
    group_.spawn("too late", child, "too late", std::ref(notes_));
    group_.cancel();
  }

 private:
  TaskGroup& group_;
  Notes& notes_;
};

TEST(Crash, SpawningDoesNothing) {
  Notes notes;
  crash_where_it_waits(
      [&]() -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
          const SpawnsAtItsEnd local(group, notes);
          group.spawn("child", child, "child", std::ref(notes));
          co_await sleep_for(1h);
        });
      },
      2);
  EXPECT_EQ(notes, (Notes{"child's leaf", "child"}));
}

// A permit that is granted to one waiter at a time.
class Permit {
 public:
  class Take final : public Leaf {
   public:
    explicit Take(Permit& permit) : permit_(&permit) {}
    Take(Take&& other) noexcept : permit_(other.permit_) {}
    Take& operator=(Take&&) = delete;

    [[nodiscard]] bool try_complete() const { return std::exchange(permit_->free_, false); }
    void start() { permit_->waiting_.push_back(this); }
    void take() const {}
    void on_cancel() override {
      std::erase(permit_->waiting_, this);
      finish_canceled();
    }
    void on_tear_down() override {
      std::erase(permit_->waiting_, this);
      if (completed()) permit_->give_back();
    }
    [[nodiscard]] const char* waits_for() const override { return "a permit"; }
    void grant() { complete(); }

   private:
    Permit* permit_;
  };

  void give_back() {
    free_ = waiting_.empty();
    if (free_) return;
    Take* next = waiting_.front();
    waiting_.erase(waiting_.begin());
    next->grant();
  }
  [[nodiscard]] bool idle() const { return free_ && waiting_.empty(); }

 private:
  std::vector<Take*> waiting_;
  bool free_ = true;
};

Task<> use_permit(Permit& permit) {
  co_await Permit::Take(permit);
  struct GiveBack {
    Permit& taken;
    ~GiveBack() { taken.give_back(); }
  } const at_end{permit};
  co_await yield();
}

// Granted and not yet taken, taken, or waiting: the permit is there again after every end.
TEST(Crash, WhatWasGrantedIsGivenBack) {
  std::optional<Permit> permit;
  const auto scenario = [&] {
    permit.emplace();
    return task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("one", use_permit, std::ref(*permit));
      group.spawn("two", use_permit, std::ref(*permit));
      co_await use_permit(*permit);
    });
  };
  const auto expect_idle = [&] { EXPECT_TRUE(permit->idle()); };
  EXPECT_GT(sweep::cancel_everywhere(scenario, expect_idle), 3);
  EXPECT_GT(sweep::crash_everywhere(scenario, expect_idle), 3);
  EXPECT_GT(sweep::crash_while_canceling_everywhere(scenario, expect_idle), 3);
}

Task<> a_bit_of_everything(Notes& notes) {
  co_await with_cleanup(with_timeout(1h, opens_a_group(notes)), shielded(1h, sleep_for(1ms)));
}

TEST(Crash, AfterACancellationAnywhere) {
  Notes notes;
  const auto scenario = [&] {
    notes.clear();
    return task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("everything", a_bit_of_everything, std::ref(notes));
      co_await sleep_for(2ms);
      group.cancel();
    });
  };
  const auto never_resumed = [&] {
    EXPECT_EQ(std::count(notes.begin(), notes.end(), "was resumed"), 0);
  };
  sweep::cancel_everywhere(scenario, never_resumed);
  sweep::crash_everywhere(scenario, never_resumed);
  sweep::crash_while_canceling_everywhere(scenario, never_resumed);
}

}  // namespace
}  // namespace coracle
