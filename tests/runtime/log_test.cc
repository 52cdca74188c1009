#include "runtime/log.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

using Lines = std::vector<std::string>;

// Runs a task and returns what it logged, each line without its time.
Lines logged_by(Task<> task, LogLevel level = LogLevel::info) {
  Lines lines;
  RunOptions options;
  options.log_level = level;
  options.log_sink = [&](std::string_view line) {
    const std::size_t end_of_time = line.find(' ');
    EXPECT_GT(std::stod(std::string(line.substr(0, end_of_time))), 0.0);
    lines.emplace_back(line.substr(end_of_time + 1));
  };
  run(std::move(task), options);
  return lines;
}

Task<> say_each() {
  log_trace("traced");
  log_debug("debugged n={}", 1);
  log_info("became_leader term={} votes={}", 7, 2);
  log_warn("late");
  log_error("failed error=\"{}\"", "no space");
  co_return;
}

TEST(Log, WritesLevelTaskAndLine) {
  EXPECT_EQ(logged_by(say_each()),
            Lines({"info task=main became_leader term=7 votes=2", "warning task=main late",
                   "error task=main failed error=\"no space\""}));
}

TEST(Log, WritesWhatTheLevelAllows) {
  EXPECT_EQ(logged_by(say_each(), LogLevel::trace).size(), 5U);
  EXPECT_EQ(logged_by(say_each(), LogLevel::debug).size(), 4U);
  EXPECT_EQ(logged_by(say_each(), LogLevel::error).size(), 1U);
  EXPECT_EQ(logged_by(say_each(), LogLevel::off).size(), 0U);
}

Task<> change_level() {
  EXPECT_FALSE(logs(LogLevel::debug));
  set_log_level(LogLevel::debug);
  EXPECT_TRUE(logs(LogLevel::debug));
  log_debug("now");
  co_return;
}

TEST(Log, TheLevelCanBeChanged) {
  EXPECT_EQ(logged_by(change_level()), Lines({"debug task=main now"}));
}

struct Formatted {
  int* times;
};

}  // namespace
}  // namespace coracle

template <>
struct fmt::formatter<coracle::Formatted> : fmt::formatter<int> {
  auto format(const coracle::Formatted& value, fmt::format_context& context) const {
    return fmt::formatter<int>::format(++*value.times, context);
  }
};

namespace coracle {
namespace {

Task<> say_unheard(int& times) {
  log_debug("{}", Formatted{&times});
  EXPECT_EQ(times, 0);
  log_info("{}", Formatted{&times});
  EXPECT_EQ(times, 1);
  co_return;
}

TEST(Log, ArgumentsAreFormattedOnlyWhenTheyAreWritten) {
  int times = 0;
  EXPECT_EQ(logged_by(say_unheard(times)), Lines({"info task=main 1"}));
}

Task<> say_hello() {
  log_info("hello");
  co_return;
}

TEST(Log, NamesTheFiberThatRuns) {
  const Lines lines = logged_by([]() -> Task<> {
    co_await task_group([](TaskGroup& group) -> Task<> {
      group.spawn("greeter", say_hello);
      co_return;
    });
    log_info("bye");
  }());
  EXPECT_EQ(lines, Lines({"info task=greeter hello", "info task=main bye"}));
}

Task<> fail_with(std::string message) {
  throw std::runtime_error(message);
  co_return;
}

// Nothing is lost silently: the first failure is thrown, further ones are logged.
TEST(Log, FurtherFailuresOfAGroupAreLogged) {
  const Lines lines = logged_by([]() -> Task<> {
    try {
      co_await task_group([](TaskGroup& group) -> Task<> {
        group.spawn("one", fail_with, std::string("first"));
        group.spawn("two", fail_with, std::string("second"));
        co_return;
      });
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "first");
    }
  }());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "warning further_failure task=two error=\"second\"");
}

TEST(Log, OutsideALoopNothingIsWritten) {
  EXPECT_FALSE(logs(LogLevel::error));
  log_error("nobody hears this");
}

TEST(Log, DescribesExceptions) {
  const Error error(2, "open", "a file");
  EXPECT_EQ(describe_exception(std::make_exception_ptr(error)), error.what());
  EXPECT_EQ(describe_exception(std::make_exception_ptr(7)),
            "an exception that is not a std::exception");
}

}  // namespace
}  // namespace coracle
