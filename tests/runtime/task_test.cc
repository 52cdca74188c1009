// What a task gives its caller, and how long what belongs to it lives.
#include "runtime/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/frame_pool.h"
#include "runtime/run.h"
#include "runtime/sleep.h"

namespace coracle {
namespace {

// --- Results ------------------------------------------------------------------------------------

Task<int> number() { co_return 7; }
Task<bool> truth() { co_return true; }
Task<std::string> text() { co_return "some text that is too long for a small string"; }
Task<std::unique_ptr<int>> owned(std::unique_ptr<int> value) { co_return value; }
Task<int&> same(int& value) { co_return value; }
Task<const std::string&> constant(const std::string& value) { co_return value; }
Task<std::vector<int>> braced() { co_return {1, 2, 3}; }
Task<std::pair<int, std::string>> defaulted() { co_return {}; }

struct Unmoving {
  explicit Unmoving(int number) : value(number) {}
  Unmoving(const Unmoving& other) : value(other.value) { ++copies; }
  Unmoving(Unmoving&& other) noexcept : value(std::exchange(other.value, -1)) {}
  Unmoving& operator=(const Unmoving&) = delete;
  ~Unmoving() = default;

  int value;
  static inline int copies = 0;
};
Task<Unmoving> moved_out() {
  Unmoving local(3);
  co_return local;
}

Task<> take_results() {
  const int got_number = co_await number();
  EXPECT_EQ(got_number, 7);
  const bool got_truth = co_await truth();
  EXPECT_TRUE(got_truth);
  const std::string got_text = co_await text();
  EXPECT_EQ(got_text, "some text that is too long for a small string");
  const std::unique_ptr<int> got_owned = co_await owned(std::make_unique<int>(5));
  EXPECT_EQ(*got_owned, 5);
  int local = 1;
  int& got_same = co_await same(local);
  EXPECT_EQ(&got_same, &local);
  const std::string word = "word";
  const std::string& got_constant = co_await constant(word);
  EXPECT_EQ(&got_constant, &word);
  const std::vector<int> got_braced = co_await braced();
  EXPECT_EQ(got_braced, (std::vector<int>{1, 2, 3}));
  const std::pair<int, std::string> got_defaulted = co_await defaulted();
  EXPECT_EQ(got_defaulted.first, 0);
  const Unmoving got_moved = co_await moved_out();
  EXPECT_EQ(got_moved.value, 3);
  EXPECT_EQ(Unmoving::copies, 0);
}

TEST(Task, GivesItsResult) { run(take_results()); }

// --- Exceptions ---------------------------------------------------------------------------------

Task<int> throw_error() {
  co_await yield();
  throw std::runtime_error("from below");
}
Task<int> let_pass() { co_return co_await throw_error(); }
Task<int&> throw_instead_of_reference(int& value) {
  co_await yield();
  if (value == 0) throw std::runtime_error("no reference");
  co_return value;
}

struct ThrowsWhenCopied {
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied& /*other*/) { throw std::runtime_error("copy"); }
  ThrowsWhenCopied& operator=(const ThrowsWhenCopied&) = default;
  ~ThrowsWhenCopied() = default;
};
Task<ThrowsWhenCopied> result_cannot_be_copied() {
  static const ThrowsWhenCopied original;
  co_return original;
}

struct ThrowsWhenDestroyed {
  ThrowsWhenDestroyed() = default;
  ThrowsWhenDestroyed(const ThrowsWhenDestroyed&) = delete;
  ThrowsWhenDestroyed& operator=(const ThrowsWhenDestroyed&) = delete;
  ~ThrowsWhenDestroyed() noexcept(false) { throw std::runtime_error("destroyed"); }
};

template <class T>
Task<std::string> error_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "none";
}

Task<> see_errors() {
  const std::string below = co_await error_of(let_pass());
  EXPECT_EQ(below, "from below");
  int zero = 0;
  const std::string reference = co_await error_of(throw_instead_of_reference(zero));
  EXPECT_EQ(reference, "no reference");
  const std::string copy = co_await error_of(result_cannot_be_copied());
  EXPECT_EQ(copy, "copy");
}

TEST(Task, ThrowsWhatItsCoroutineThrew) { run(see_errors()); }

TEST(Run, ThrowsWhatMainThrew) {
  const auto main = []() -> Task<> { static_cast<void>(co_await let_pass()); };
  EXPECT_THROW(run(main()), std::runtime_error);
}

// --- Lifetimes ----------------------------------------------------------------------------------

// Notes its own end.
class Noted {
 public:
  Noted(std::string name, std::vector<std::string>& ended)
      : name_(std::move(name)), ended_(&ended) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  Noted(Noted&& other) noexcept
      : name_(std::move(other.name_)), ended_(std::exchange(other.ended_, nullptr)) {}
  Noted& operator=(Noted&&) = delete;
  ~Noted() {
    if (ended_ != nullptr) ended_->push_back(name_);
  }

 private:
  std::string name_;
  std::vector<std::string>* ended_;
};

Task<> hold(Noted /*held*/, std::vector<std::string>& ended, bool& ran) {
  ran = true;
  const Noted local("local", ended);
  co_await yield();
  ended.emplace_back("end of body");
}

TEST(Task, DestroyedBeforeItBeganDestroysItsParameters) {
  std::vector<std::string> ended;
  bool ran = false;
  {
    const Task<> never = hold(Noted("parameter", ended), ended, ran);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(ended, std::vector<std::string>{"parameter"});
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

TEST(Task, KeepsItsParametersUntilItsCallerGoesOn) {
  std::vector<std::string> ended;
  const auto main = [](std::vector<std::string>& notes) -> Task<> {
    bool ran = false;
    const Noted callers("caller's local", notes);
    co_await hold(Noted("parameter", notes), notes, ran);
    notes.emplace_back("after");
    Task<> named = hold(Noted("of named", notes), notes, ran);
    co_await std::move(named);
    notes.emplace_back("after named");
  };
  run(main(ended));
  EXPECT_EQ(ended,
            (std::vector<std::string>{"end of body", "local", "parameter", "after", "end of body",
                                      "local", "of named", "after named", "caller's local"}));
}

TEST(Task, MayBeMovedBeforeItIsAwaited) {
  std::vector<std::string> ended;
  const auto main = [](std::vector<std::string>& notes) -> Task<> {
    bool ran = false;
    Task<> first = hold(Noted("first", notes), notes, ran);
    Task<> second = hold(Noted("second", notes), notes, ran);
    first = std::move(second);
    EXPECT_EQ(notes, std::vector<std::string>{"first"});
    std::vector<Task<>> kept;
    kept.push_back(std::move(first));
    co_await std::move(kept.back());
  };
  run(main(ended));
  EXPECT_EQ(ended.back(), "second");
}

Task<> take_by_value(std::unique_ptr<int> /*first*/, ThrowsWhenCopied /*second*/) { co_return; }

TEST(Task, IsNotMadeWhenAParameterCannotBeCopied) {
  const ThrowsWhenCopied original;
  auto call = [&] { return take_by_value(std::make_unique<int>(1), original); };
  EXPECT_THROW(static_cast<void>(call()), std::runtime_error);
  EXPECT_EQ(FramePool::live_frames(), 0U);
}

Task<std::string> fail_after_the_result() {
  const ThrowsWhenDestroyed local;
  co_return "a result that is long enough to own memory";
}

TEST(Task, ThrowsWhatALocalsDestructorThrowsAfterTheResult) {
  const auto main = []() -> Task<> {
    const std::string error = co_await error_of(fail_after_the_result());
    EXPECT_EQ(error, "destroyed");
  };
  run(main());
}

// --- Misuse -------------------------------------------------------------------------------------

Task<> await_twice() {
  Task<int> task = number();
  co_await std::move(task);
  co_await std::move(task);  // NOLINT(bugprone-use-after-move): what is tested
}

TEST(TaskDeathTest, IsAwaitedOnce) {
  EXPECT_DEATH(run(await_twice()), "a task is awaited once, and not after it was moved from");
}

TEST(RunDeathTest, IsNotCalledInsideALoop) {
  const auto main = []() -> Task<> {
    run(take_results());
    co_return;
  };
  EXPECT_DEATH(run(main()), "is not called inside a loop");
}

}  // namespace
}  // namespace coracle
