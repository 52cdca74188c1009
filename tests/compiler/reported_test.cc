// Faults that were reported of one compiler or another, settled here before anything relies on
// them.
#include <gtest/gtest.h>

#include <source_location>
#include <stdexcept>
#include <vector>

#include "tests/compiler/callees.h"
#include "tests/compiler/canary.h"

namespace canary {
namespace {

using enum Outcome;

void require(bool held) {
  if (!held) throw std::logic_error("wrong value");
}

// ---- awaiters that are returned by reference (GCC PR 104872)

class OwningAwaiter {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { Pump::next = waiter; }
  void await_resume() const { name_.use(); }

 private:
  Owner name_;
};

class AwaiterByReference {
 public:
  OwningAwaiter& operator co_await() noexcept { return awaiter_; }

 private:
  OwningAwaiter awaiter_;
};

class AwaiterByValue {
 public:
  OwningAwaiter operator co_await() const { return awaiter_; }

 private:
  OwningAwaiter awaiter_;
};

// A coroutine whose await_transform hands out an awaiter that lives in its promise.
struct Transforming {
  struct promise_type {
    Transforming get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }
    OwningAwaiter& await_transform(int /*what*/) { return awaiter; }

    OwningAwaiter awaiter;
  };
  std::coroutine_handle<promise_type> handle;
};

Transforming await_by_transform() {
  co_await 1;
  co_await 2;
}

// ---- coroutines that begin at once

struct Eager {
  struct promise_type {
    Eager get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }
  };
};

Eager eager(Owner owner) {
  owner.use();
  co_return;
}

Eager eager_throw(Owner owner) {
  owner.use();
  throw std::runtime_error("expected");
  co_return;
}

// ---- frames that are destroyed while they suspend

struct Detached {
  struct promise_type {
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct DestroyOwnFrame {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> self) const noexcept { self.destroy(); }
        void await_resume() const noexcept {}
      };
      return DestroyOwnFrame{};
    }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }
  };
  std::coroutine_handle<promise_type> handle;
};

struct DestroyOwnFrame {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const { self.destroy(); }
  void await_resume() const noexcept {}
};

Detached end_by_itself(Owner owner) {
  owner.use();
  co_return;
}

Detached destroyed_in_the_middle(Owner owner) {
  owner.use();
  co_await DestroyOwnFrame{};
}

// ---- two values at once

struct Pair {
  Owner first;
  int second = 0;
};

Task<Pair> make_pair_of() { co_return Pair{Owner(), 7}; }

// ---- the place of an await

struct Located {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<> /*waiter*/) const noexcept {}
  unsigned await_resume() const noexcept { return line; }

  unsigned line;
};

struct LocatingTask {
  struct promise_type {
    LocatingTask get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }
    Located await_transform(int /*what*/,
                            std::source_location at = std::source_location::current()) {
      return {at.line()};
    }
  };
  std::coroutine_handle<promise_type> handle;
};

LocatingTask note_lines(std::vector<unsigned>& distances) {
  const unsigned before = std::source_location::current().line();
  distances.push_back(co_await 1 - before);
  distances.push_back(co_await 2 - before);
}

const std::vector<Canary> kReported = {
    {"operator co_await of a named object returns a reference to its awaiter",
     []() -> Task<> {
       AwaiterByReference named;
       co_await named;
     },
     right, right},
    {"operator co_await of a temporary returns a reference to its awaiter",
     []() -> Task<> { co_await AwaiterByReference(); }, right, right},
    {"await_transform returns a reference to an awaiter",
     []() -> Task<> {
       const auto handle = await_by_transform().handle;
       while (!handle.done()) handle.resume();
       handle.destroy();
       Pump::next = {};
       co_return;
     },
     right, right},
    {"operator co_await returns its awaiter by value",
     []() -> Task<> {
       AwaiterByValue named;
       co_await named;
       co_await AwaiterByValue();
     },
     right, right},
    {"a coroutine that begins at once",
     []() -> Task<> {
       eager(Owner());
       co_return;
     },
     right, right},
    {"a coroutine that begins at once and throws before it suspends",
     []() -> Task<> {
       bool caught = false;
       try {
         eager_throw(Owner());
       } catch (const std::runtime_error&) {
         caught = true;
       }
       require(caught);
       co_return;
     },
     right, right},
    {"a frame destroyed in its final await_suspend",
     []() -> Task<> {
       end_by_itself(Owner()).handle.resume();
       co_return;
     },
     right, right},
    {"a frame destroyed in the await_suspend of a temporary awaiter",
     []() -> Task<> {
       destroyed_in_the_middle(Owner()).handle.resume();
       co_return;
     },
     right, right},
    {"auto [a, b] = co_await f();",
     []() -> Task<> {
       auto [owner, number] = co_await make_pair_of();
       co_await look(owner);
       require(number == 7);
     },
     right, right},
    {"a statement expression: ({ co_await f(n); })",
     []() -> Task<> {
       Owner n;
       const bool held = __extension__({ co_await truth(n); });
       require(held);
     },
     right, right},
    {"the source_location of an await is its own line",
     []() -> Task<> {
       std::vector<unsigned> distances;
       LocatingTask task = note_lines(distances);
       task.handle.resume();
       task.handle.destroy();
       require(distances == std::vector<unsigned>{1, 2});
       co_return;
     },
     right, right},
};

class Reported : public testing::TestWithParam<Canary> {};

TEST_P(Reported, IsSettledAsStatedInTheTable) {
  const Canary& canary = GetParam();
  EXPECT_EQ(seen(canary), kGcc12 ? canary.with_gcc12 : canary.elsewhere) << canary.shape;
}

INSTANTIATE_TEST_SUITE_P(Table, Reported, testing::ValuesIn(kReported));

}  // namespace
}  // namespace canary
