// Code that must not compile: each form is unsafe, with one compiler or with all of them.
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

// --- Seen by a requires-expression --------------------------------------------------------------

template <class A>
concept MayBeAwaited = requires(TaskPromiseBase& promise, A&& awaitable) {
  promise.await_transform(std::forward<A>(awaitable));
};

static_assert(MayBeAwaited<Task<int>>);
static_assert(MayBeAwaited<SleepOperation>);
static_assert(!MayBeAwaited<Task<int>&>, "a task is awaited once: std::move says so");
static_assert(!MayBeAwaited<const Task<int>&>);
static_assert(!MayBeAwaited<SleepOperation&>);
static_assert(!MayBeAwaited<std::suspend_always>, "only what the runtime knows suspends");
static_assert(!MayBeAwaited<int>);

template <class A>
concept MayBeTimed = requires(A&& awaitable) { within(Duration(1), std::forward<A>(awaitable)); };
static_assert(MayBeTimed<Task<int>>);
static_assert(MayBeTimed<SleepOperation>);
static_assert(!MayBeTimed<Task<int>&>, "a timeout takes its task by value");
static_assert(!MayBeTimed<int>);

static_assert(!std::is_copy_constructible_v<Task<>>);
static_assert(!std::is_copy_assignable_v<Task<>>);
static_assert(!std::is_copy_constructible_v<TaskGroup>);
static_assert(!std::is_move_constructible_v<TaskGroup>);
static_assert(!std::is_constructible_v<Canceled>, "made by the runtime only");
static_assert(!std::is_base_of_v<std::exception, Canceled>);
static_assert(std::is_base_of_v<Error, TimedOut>);

// --- Seen by compiling --------------------------------------------------------------------------

const std::string kPreamble = R"(
#include <exception>
#include <memory>
#include <string>
#include "runtime/combinators.h"
#include "runtime/task_group.h"
using namespace coracle;
Task<> child(std::string) { co_return; }
)";

struct Compiled {
  bool accepted;
  std::string output;
};

Compiled compile(const std::string& code) {
  const std::string command = "printf %s '" + kPreamble + code +
                              "' | " CORACLE_COMPILER " -std=c++20 -fsyntax-only -I " CORACLE_ROOT
                              " -x c++ - 2>&1";
  std::FILE* compiler = popen(command.c_str(), "r");
  Compiled compiled;
  for (int byte = 0; (byte = std::fgetc(compiler)) != EOF;) {
    compiled.output.push_back(static_cast<char>(byte));
  }
  compiled.accepted = pclose(compiler) == 0;
  return compiled;
}

TEST(Rejected, TheSameCodeWithoutTheFaultCompiles) {
  const Compiled compiled = compile(R"(
Task<> f(std::string name) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("child", child, name);
    group.spawn("owner", [name]() -> Task<> { return child(name); });
    co_return;
  });
}
Task<> g(std::string& name, const std::string& other, std::string value) {
  co_await f(name);
  Task<> task = f(other);
  co_await std::move(task);
}
)");
  EXPECT_TRUE(compiled.accepted) << compiled.output;
}

struct Fault {
  std::string what;
  std::string code;
  std::string message;
};

const std::string kRvalueReference =
    "a coroutine takes its parameters by value or by lvalue reference";

const std::vector<Fault> kFaults = {
    {"the body of a group owns something", R"(
Task<> owning_body(std::string name) {
  co_await task_group([name](TaskGroup& group) -> Task<> {
    group.spawn("child", child, name);
    co_return;
  });
}
)",
     "the body of a task_group must not own anything"},
    {"a function takes T&&", "Task<> taker(std::string&& name) { co_await child(name); }",
     kRvalueReference},
    {"a member takes T&&",
     "struct Service { Task<> f(int, std::unique_ptr<int>&&) { co_return; } };", kRvalueReference},
    {"a lambda takes T&&",
     "auto lambda = [](std::string&& name) -> Task<> { co_await child(name); };", kRvalueReference},
#if defined(__clang__)  // g++ 12 does not tell the promise that the member is one of an rvalue
    {"an rvalue member", "struct Rvalue { Task<> f() && { co_return; } };", kRvalueReference},
#endif
    {"a named task is awaited", "Task<> named() { auto task = child(\"x\"); co_await task; }",
     "deleted"},
    {"a task is dropped on the floor", "Task<> dropped() { child(\"x\"); co_return; }",
     "nodiscard"},
    {"a race of nothing", "Task<> nothing() { co_await race(); }", "race()"},
};

// All in one go, since a compiler is slow: each fault has a line of its own, and is named there.
TEST(Rejected, EachFault) {
  std::string code = "#pragma GCC diagnostic error \"-Wunused-result\"\n";
  int number = 0;
  for (const Fault& fault : kFaults) {
    code += "#line 1 \"fault" + std::to_string(number++) + "\"\n" + fault.code + "\n";
  }
  const Compiled compiled = compile(code);
  EXPECT_FALSE(compiled.accepted);
  for (number = 0; number < static_cast<int>(kFaults.size()); ++number) {
    const Fault& fault = kFaults[static_cast<std::size_t>(number)];
    EXPECT_NE(compiled.output.find("fault" + std::to_string(number) + ":"), std::string::npos)
        << fault.what << " is accepted";
    EXPECT_NE(compiled.output.find(fault.message), std::string::npos) << fault.what;
  }
  if (HasFailure()) std::fputs(compiled.output.c_str(), stderr);
}

}  // namespace
}  // namespace coracle
