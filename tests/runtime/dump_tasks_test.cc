// The tree of tasks, with the file and line of each await.
#include "runtime/dump_tasks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <source_location>
#include <sstream>
#include <string>

#include "runtime/combinators.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

void replace_all(std::string& text, const std::string& old, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += by.size()) {
    text.replace(at, old.size(), by);
  }
}

// Puts `here:LINE` for each `<mark>`: the line of this file that ends with the comment `mark`. (Of
// an await that takes several lines g++ names the last and clang the first: none here does.)
std::string with_lines(std::string expected) {
  std::ifstream source(std::source_location::current().file_name());
  EXPECT_TRUE(source) << "the tests run where they were built";
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    const std::size_t comment = line.rfind("// ");
    if (comment == std::string::npos) continue;
    const std::string mark = "<" + line.substr(comment + 3) + ">";
    replace_all(expected, mark, "here:" + std::to_string(number));
  }
  return expected.substr(1);  // without the newline that opens the raw string
}

// Puts `here` for this file, and leaves only the name of every other one.
std::string normalized(std::string dump) {
  replace_all(dump, std::source_location::current().file_name(), "here");
  std::istringstream lines(dump);
  std::string result;
  for (std::string line; std::getline(lines, line); result += line + "\n") {
    const std::size_t slash = line.rfind('/');
    const std::size_t path = line.find("at ");
    if (slash == std::string::npos || path == std::string::npos) continue;
    line.erase(line.rfind(':')).replace(path, slash + 1 - path, "at ");
  }
  return result;
}

Task<> sleep_deep_down(int depth) {
  if (depth > 0) {
    co_await sleep_deep_down(depth - 1);  // deeper
  } else {
    co_await sleep_for(1h);  // asleep
  }
}

Task<> open_inner_group() {
  const auto body = [](TaskGroup& group) -> Task<> {
    group.spawn("leaf", sleep_deep_down, 2);
    co_return;
  };
  co_await task_group(body);  // inner group
}

Task<> dump_into(std::string& dump) {
  std::ostringstream stream;
  dump_tasks(stream);
  dump = stream.str();
  co_return;
}

Task<> whole_tree(std::string& dump) {
  const auto body = [&](TaskGroup& group) -> Task<> {
    group.spawn("parent", open_inner_group);
    group.spawn("timed", with_timeout<SleepOperation>, Duration(1h), sleep_for(2h));
    co_await sleep_for(1ms);  // body sleeps
    group.spawn("never ran", open_inner_group);
    co_await dump_into(dump);  // dumping
    group.cancel();
  };
  co_await task_group(body);  // outer group
}

TEST(DumpTasks, PrintsTheTreeWithFileAndLineOfEachAwait) {
  std::string dump;
  run(whole_tree(dump));
  const std::string expected = with_lines(R"(
main (running)
  at <outer group>
  at task_group.h
  at <dumping>
  parent (waits for its children to end)
    at <inner group>
    at task_group.h
    leaf (waits for a time to come)
      at <deeper>
      at <deeper>
      at <asleep>
  timed (waits for a time to come)
    at timeout.h
  never ran (ready)
)");
  EXPECT_EQ(normalized(dump), expected);
}

Task<> two_groups_of_one_fiber(std::string& dump) {
  const auto outer_body = [&](TaskGroup& outer) -> Task<> {
    outer.spawn("in the first", sleep_deep_down, 0);
    const auto inner_body = [&](TaskGroup& inner) -> Task<> {
      inner.spawn("in the second", sleep_deep_down, 0);
      co_await sleep_for(1ms);
      co_await dump_into(dump);  // dumping both
      outer.cancel();
    };
    co_await task_group(inner_body);  // second group
  };
  co_await task_group(outer_body);  // first group
}

TEST(DumpTasks, PrintsTheChildrenOfEveryOpenGroupOfAFiber) {
  std::string dump;
  run(two_groups_of_one_fiber(dump));
  const std::string expected = with_lines(R"(
main (running)
  at <first group>
  at task_group.h
  at <second group>
  at task_group.h
  at <dumping both>
  in the first (waits for a time to come)
    at <asleep>
  in the second (waits for a time to come)
    at <asleep>
)");
  EXPECT_EQ(normalized(dump), expected);
}

TEST(DumpTasks, CutsTheMiddleOfALongChain) {
  std::string dump;
  const auto main = [](std::string& out) -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("deep", sleep_deep_down, 100'000);
      co_await sleep_for(1ms);
      co_await dump_into(out);
      group.cancel();
    });
  };
  run(main(dump));
  EXPECT_NE(dump.find("more awaits ..."), std::string::npos);
  EXPECT_LT(std::count(dump.begin(), dump.end(), '\n'), 120);
  EXPECT_NE(normalized(dump).find(with_lines("\nat <asleep>\n")), std::string::npos);
}

Task<> raise_sigquit() {
  std::raise(SIGQUIT);
  co_await sleep_for(20ms);  // until the dump
}

TEST(DumpTasks, IsPrintedOnSigquitAndTheProgramGoesOn) {
  testing::internal::CaptureStderr();
  run(raise_sigquit());
  EXPECT_EQ(normalized(testing::internal::GetCapturedStderr()),
            with_lines("\nmain (waits for a time to come)\n  at <until the dump>\n"));
}

}  // namespace
}  // namespace coracle
