// The contract between a leaf operation and the fiber that awaits it.
#include "runtime/leaf.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

// What the test does to the operation, and what the runtime asks it.
struct Script {
  bool ready = false;
  bool fails = false;
  std::vector<std::string> calls = {};
  class Scripted* waiting = nullptr;
};

class Scripted : public Leaf {
 public:
  explicit Scripted(Script& script) : script_(&script) {}
  Scripted(Scripted&& other) noexcept : script_(other.script_) {}
  Scripted& operator=(Scripted&&) = delete;

  [[nodiscard]] bool try_complete() const {
    script_->calls.emplace_back("try");
    return script_->ready;
  }
  void start() {
    script_->calls.emplace_back("start");
    script_->waiting = this;
  }
  [[nodiscard]] int take() const {
    script_->calls.emplace_back("take");
    if (script_->fails) throw std::runtime_error("kept until taken");
    return 5;
  }
  void on_cancel() override {
    script_->calls.emplace_back("cancel");
    finish_canceled();
  }
  void on_tear_down() override {}
  [[nodiscard]] const char* waits_for() const override { return "the test"; }

  void grant() { complete(); }

 private:
  Script* script_;
};

using Calls = std::vector<std::string>;

Task<> await_and_note(Script& script) {
  Scripted named(script);
  try {
    const int result = co_await std::move(named);
    script.calls.push_back("result " + std::to_string(result));
  } catch (const Canceled&) {
    script.calls.emplace_back("Canceled");
    throw;
  } catch (const std::runtime_error& error) {
    script.calls.emplace_back(error.what());
  }
}

TEST(Leaf, ThatIsReadyNeverWaits) {
  Script script{.ready = true};
  run(await_and_note(script));
  EXPECT_EQ(script.calls, (Calls{"try", "take", "result 5"}));
}

Task<> act_on(Script& script, std::function<void(TaskGroup&)> act) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("waiter", await_and_note, std::ref(script));
    co_await yield();
    act(group);
  });
}

TEST(Leaf, GivesWhatItWasGranted) {
  Script script;
  run(act_on(script, [&](TaskGroup&) { script.waiting->grant(); }));
  EXPECT_EQ(script.calls, (Calls{"try", "start", "take", "result 5"}));
}

TEST(Leaf, ThrowsWhatWasKeptForTake) {
  Script script{.fails = true};
  run(act_on(script, [&](TaskGroup&) { script.waiting->grant(); }));
  EXPECT_EQ(script.calls, (Calls{"try", "start", "take", "kept until taken"}));
}

TEST(Leaf, IsCanceledWhileItWaits) {
  Script script;
  run(act_on(script, [&](TaskGroup& group) { group.cancel(); }));
  EXPECT_EQ(script.calls, (Calls{"try", "start", "cancel", "Canceled"}));
}

TEST(Leaf, WhatWasGrantedBeatsACancellationThatComesLater) {
  Script script;
  run(act_on(script, [&](TaskGroup& group) {
    script.waiting->grant();
    group.cancel();
  }));
  EXPECT_EQ(script.calls, (Calls{"try", "start", "take", "result 5"}));
}

TEST(Leaf, IsCanceledOnce) {
  Script script;
  run(act_on(script, [&](TaskGroup& group) {
    group.cancel();
    group.cancel();
  }));
  EXPECT_EQ(script.calls, (Calls{"try", "start", "cancel", "Canceled"}));
}

Task<> await_in_a_canceled_group(Script& script) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.cancel();
    co_await await_and_note(script);
  });
}

// Already canceled is exactly like canceled while waiting: what needs no waiting is done.
TEST(Leaf, InACanceledScopeIsDoneOnlyIfItNeedsNoWaiting) {
  Script waits;
  run(await_in_a_canceled_group(waits));
  EXPECT_EQ(waits.calls, (Calls{"try", "Canceled"}));
  Script ready{.ready = true};
  run(await_in_a_canceled_group(ready));
  EXPECT_EQ(ready.calls, (Calls{"try", "take", "result 5"}));
}

// An operation that owes something also to a caller who is canceled: a write, say.
class Owing final : public Scripted {
 public:
  explicit Owing(Script& script) : Scripted(script), script_(&script) {}
  void canceled_at_once() const { script_->calls.emplace_back("at once"); }

 private:
  Script* script_;
};

Task<> await_owing(Script& script) {
  Owing named(script);
  static_cast<void>(co_await std::move(named));
}

TEST(Leaf, PaysWhatItOwesInACanceledScope) {
  Script script;
  run([](Script& shared) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      co_await await_owing(shared);
    });
  }(script));
  EXPECT_EQ(script.calls, (Calls{"try", "at once"}));
}

// The same when it is its fiber's turn to look first: then nothing was tried.
TEST(Leaf, PaysWhatItOwesAfterItsFibersTurn) {
  Script script{.ready = true};
  run([](Script& shared) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.cancel();
      for (;;) co_await await_owing(shared);
    });
  }(script));
  ASSERT_GE(script.calls.size(), 2U);
  EXPECT_EQ(script.calls.back(), "at once");
  EXPECT_EQ(script.calls[script.calls.size() - 2], "take");
}

TEST(LeafDeathTest, IsCompletedOnce) {
  Script script;
  EXPECT_DEATH(run(act_on(script,
                          [&](TaskGroup&) {
                            script.waiting->grant();
                            script.waiting->grant();
                          })),
               "an operation is completed once, while it waits");
}

}  // namespace
}  // namespace coracle
