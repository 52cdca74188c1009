// The tree of tasks, with the file and line of each await.
#include "runtime/dump_tasks.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <regex>
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

// (Of an await that takes several lines, g++ names the last and clang the first: none here does.)
// The line of this file that ends with the comment `mark`, as `here:LINE`.
std::string here(const std::string& mark) {
  std::ifstream source(std::source_location::current().file_name());
  EXPECT_TRUE(source) << "the tests run where they were built";
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    if (line.ends_with("// " + mark)) return "here:" + std::to_string(number);
  }
  ADD_FAILURE() << "no line is marked " << mark;
  return "";
}

// Puts `here` for this file, and cuts the folder and the line of every other one.
std::string normalized(std::string dump) {
  const std::string file = std::source_location::current().file_name();
  for (std::size_t at = 0; (at = dump.find(file)) != std::string::npos;) {
    dump.replace(at, file.size(), "here");
  }
  return std::regex_replace(dump, std::regex("at [^\n]*/([a-z_]+\\.h):[0-9]+"), "at $1");
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
  const std::string expected = "main (running)\n"
                               "  at " + here("outer group") + "\n"
                               "  at task_group.h\n"
                               "  at " + here("dumping") + "\n"
                               "  parent (waits for its children to end)\n"
                               "    at " + here("inner group") + "\n"
                               "    at task_group.h\n"
                               "    leaf (waits for a time to come)\n"
                               "      at " + here("deeper") + "\n"
                               "      at " + here("deeper") + "\n"
                               "      at " + here("asleep") + "\n"
                               "  timed (waits for a time to come)\n"
                               "    at timeout.h\n"
                               "  never ran (ready)\n";
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
  const std::string expected = "main (running)\n"
                               "  at " + here("first group") + "\n"
                               "  at task_group.h\n"
                               "  at " + here("second group") + "\n"
                               "  at task_group.h\n"
                               "  at " + here("dumping both") + "\n"
                               "  in the first (waits for a time to come)\n"
                               "    at " + here("asleep") + "\n"
                               "  in the second (waits for a time to come)\n"
                               "    at " + here("asleep") + "\n";
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
  EXPECT_NE(normalized(dump).find(here("asleep")), std::string::npos);
}

Task<> raise_sigquit() {
  std::raise(SIGQUIT);
  co_await sleep_for(20ms);  // until the dump
}

TEST(DumpTasks, IsPrintedOnSigquitAndTheProgramGoesOn) {
  testing::internal::CaptureStderr();
  run(raise_sigquit());
  EXPECT_EQ(normalized(testing::internal::GetCapturedStderr()),
            "main (waits for a time to come)\n  at " + here("until the dump") + "\n");
}

}  // namespace
}  // namespace coracle
