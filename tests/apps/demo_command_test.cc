// The lines that the demo takes, and what it says of those it does not.
#include "apps/demo_command.h"

#include <gtest/gtest.h>

#include "apps/demo_log.h"
#include "apps/members_flag.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;

template <class Command>
Command parsed(std::string_view line) {
  const auto command = parse_demo_command(line);
  if (command && std::holds_alternative<Command>(*command)) return std::get<Command>(*command);
  ADD_FAILURE() << "`" << line << "` is another command, or none";
  return Command();
}

TEST(DemoCommand, ReadsEachCommand) {
  static_cast<void>(parsed<ShowStatus>("status"));
  static_cast<void>(parsed<ShowHelp>("  help\r"));
  static_cast<void>(parsed<Quit>("quit"));
  EXPECT_EQ(parsed<WaitLeader>("wait-leader").timeout, kWaitLeaderTimeout);
  EXPECT_EQ(parsed<WaitLeader>("wait-leader 1500ms").timeout, 1500ms);
  EXPECT_EQ(parsed<KillServer>("kill 2").which.number, 2U);
  EXPECT_EQ(parsed<KillServer>("kill\tleader").which.number, std::nullopt);
  EXPECT_EQ(parsed<PauseServer>("pause leader").which.number, std::nullopt);
  EXPECT_EQ(parsed<StartServer>("start 3").number, 3U);
  EXPECT_EQ(parsed<ResumeServer>("resume 1").number, 1U);
  EXPECT_EQ(parsed<ShowTasks>("tasks 1").number, 1U);
  EXPECT_EQ(parsed<SetKey>("set x 1").key, "x");
  EXPECT_EQ(parsed<SetKey>("set x 1").value, "1");
  EXPECT_EQ(parsed<GetKey>("get x").key, "x");
  static_cast<void>(parsed<DumpMap>("dump"));
  EXPECT_EQ(parsed<SetLog>("log quiet").detail, LogDetail::quiet);
  EXPECT_EQ(parsed<SetLog>("log all").detail, LogDetail::all);
}

TEST(DemoCommand, IgnoresEmptyLinesAndComments) {
  EXPECT_FALSE(parse_demo_command(""));
  EXPECT_FALSE(parse_demo_command("  \t"));
  EXPECT_FALSE(parse_demo_command("# kill leader"));
}

TEST(DemoCommand, SaysWhatItWouldHaveUnderstood) {
  EXPECT_EQ(parsed<Misunderstood>("kill").reason, "usage: kill N|leader");
  EXPECT_EQ(parsed<Misunderstood>("kill all").reason, "usage: kill N|leader");
  EXPECT_EQ(parsed<Misunderstood>("kill 0").reason, "usage: kill N|leader");
  EXPECT_EQ(parsed<Misunderstood>("start leader").reason, "usage: start N");
  EXPECT_EQ(parsed<Misunderstood>("start 1x").reason, "usage: start N");
  EXPECT_EQ(parsed<Misunderstood>("set x").reason, "usage: set KEY VALUE");
  EXPECT_EQ(parsed<Misunderstood>("set x 1 2").reason, "usage: set KEY VALUE");
  EXPECT_EQ(parsed<Misunderstood>("get").reason, "usage: get KEY");
  EXPECT_EQ(parsed<Misunderstood>("log loud").reason, "usage: log quiet|normal|all");
  EXPECT_EQ(parsed<Misunderstood>("status now").reason, "usage: status");
  EXPECT_EQ(parsed<Misunderstood>("elect").reason, "no such command: elect (help lists them)");
}

TEST(DemoCommand, ExplainsEveryCommandInHelp) {
  for (const std::string_view verb : {"status", "wait-leader", "kill", "start", "pause", "resume",
                                      "tasks", "set", "get", "dump", "log", "help", "quit"}) {
    EXPECT_NE(("\n" + std::string(demo_help())).find("\n" + std::string(verb)), std::string::npos)
        << verb;
  }
}

TEST(MembersFlag, ReadsWhatItPrints) {
  const auto members = parse_members("2=127.0.0.1:7102,1=[::1]:7101");
  ASSERT_TRUE(members);
  EXPECT_EQ(members->size(), 2U);
  EXPECT_EQ(print_members(*members), "1=[::1]:7101,2=127.0.0.1:7102");
}

TEST(MembersFlag, RefusesOtherForms) {
  for (const char* text : {"", "1", "1=", "=127.0.0.1:1", "0=127.0.0.1:1", "1=localhost:1",
                           "1=127.0.0.1:1,", "1=127.0.0.1:1,1=127.0.0.1:2", "1:127.0.0.1:1"}) {
    EXPECT_FALSE(parse_members(text)) << text;
  }
}

TEST(DemoLog, TakesALineApart) {
  LogLine line;
  ASSERT_TRUE(parse_log_line(
      "12.350123 info task=main node=2 term=7 role=leader event=became_leader votes=2", line));
  EXPECT_EQ(line.seconds, 12.350123);
  EXPECT_EQ(line.level, "info");
  EXPECT_EQ(line.term, "7");
  EXPECT_EQ(line.role, "leader");
  EXPECT_EQ(line.event, "became_leader");
  EXPECT_EQ(line.details, "votes=2");
}

TEST(DemoLog, KnowsWhatIsNoEvent) {
  LogLine line;
  EXPECT_FALSE(parse_log_line("", line));
  EXPECT_FALSE(parse_log_line("check failed: two leaders", line));
  EXPECT_FALSE(parse_log_line("12.3 warn task=main further_failure error=x", line));
}

}  // namespace
}  // namespace coracle::demo
