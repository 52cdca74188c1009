// `coracle ten-steps`, and `get`, `set` and `dump`, as their user meets them. (B39)
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "apps/map_messages.h"
#include "net/rpc_server.h"
#include "net/serve.h"
#include "net/tcp.h"
#include "runtime/combinators.h"
#include "runtime/event.h"
#include "runtime/process.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/apps/program.h"

namespace coracle {
namespace {

TEST(TenSteps, AllPass) {
  std::string temporary = testing::TempDir() + "/ten-steps-XXXXXX";
  ASSERT_NE(mkdtemp(temporary.data()), nullptr);
  setenv("TMPDIR", temporary.c_str(), 1);
  const Ended ended = coracle({"ten-steps", "--election-timeout", "300-600ms"});
  unsetenv("TMPDIR");
  EXPECT_EQ(ended.status, 0);
  std::size_t at = 0;
  for (const std::string number : {" 1", " 2", " 3", " 4", " 5", " 6", " 7", " 8", " 9", "10"}) {
    at = ended.printed.find("\nstep " + number + "  PASS\n", at);
    ASSERT_NE(at, std::string::npos) << "step " << number << "\n" << ended.printed;
  }
  const auto has = [&](const std::string& pattern) {
    return std::regex_search(ended.printed, std::regex(pattern));
  };
  EXPECT_TRUE(has("There are no membership changes yet"));
  EXPECT_TRUE(has("elected node=[12] role=leader term=[0-9]+ leader=[12] "));
  EXPECT_TRUE(has("started node=3, which has never run"));
  EXPECT_TRUE(has("read through node=[123]: \\{color=blue shape=circle story=once-upon\\}"));
  EXPECT_TRUE(has("saw     node=[123] role=follower term=[0-9]+ leader=[123] "));
  for (const std::string node : {"1", "2", "3"}) {
    EXPECT_TRUE(has("node=" + node +
                    " holds \\{color=green shape=square size=large "
                    "story=once-upon-a-time-the-end\\}"))
        << node;
  }
  EXPECT_TRUE(has("all ten passed after [0-9.]+s\n$")) << ended.printed;
  EXPECT_TRUE(std::filesystem::is_empty(temporary)) << "it cleans up";
  std::filesystem::remove_all(temporary);
}

// Servers of their own would need ports: the demo has some.
class MapCommands : public testing::Test {
 protected:
  MapCommands() : demo_({Program::path("coracle"), "demo", "--election-timeout", "300-600ms"}) {
    demo_.type("wait-leader 60s");
    std::smatch found;
    while (!std::regex_search(demo_.printed(), found, std::regex("\nleader=[0-9]"))) {
      if (!demo_.read_on()) break;
    }
    const std::regex address("node=[0-9] address=([0-9.:]+)\n");
    const std::string printed = demo_.printed();
    for (std::sregex_iterator at(printed.begin(), printed.end(), address), end; at != end; ++at) {
      servers_ += (servers_.empty() ? "" : ",") + (*at)[1].str();
    }
  }
  ~MapCommands() override {
    demo_.close_input();
    EXPECT_EQ(demo_.wait(), 0);
  }

  [[nodiscard]] Ended ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--servers", servers_});
    return coracle(std::move(arguments));
  }
  void expect(const std::vector<std::string>& arguments, int status, const std::string& printed) {
    const Ended ended = ask(arguments);
    EXPECT_EQ(ended.status, status) << arguments.front() << " " << arguments.back();
    EXPECT_EQ(ended.printed, printed);
  }

  Program demo_;
  std::string servers_;
};

TEST_F(MapCommands, WriteAndRead) {
  expect({"get", "x"}, 1, "there is no key x\n");
  expect({"set", "x", "1"}, 0, "x=1 (was absent)\n");
  expect({"set", "x", "2", "--append"}, 0, "x=12 (was 1)\n");
  expect({"set", "x", "5", "--if", "1"}, 1, "x is not set: it is 12\n");
  expect({"set", "x", "5", "--if", "12"}, 0, "x=5 (was 12)\n");
  expect({"set", "two words", "a=b", "--if-absent"}, 0, "\"two words\"=\"a=b\" (was absent)\n");
  expect({"set", "x", "6", "--if-absent"}, 1, "x is not set: it is 5\n");
  expect({"get", "x"}, 0, "5\n");
  expect({"dump"}, 0, "\"two words\"=\"a=b\"\nx=5\n");
}

// R4: a script can tell what failed from what nobody knows.
TEST_F(MapCommands, TellFailuresFromUnknownOutcomes) {
  expect({"set", "x", "1"}, 0, "x=1 (was absent)\n");
  for (const std::string node : {"1", "2", "3"}) {
    demo_.type("pause " + node);
    demo_.read_until("node=" + node + " pid=");
    while (demo_.printed().find("state=paused", demo_.printed().rfind("node=" + node)) ==
           std::string::npos) {
      if (!demo_.read_on()) break;
    }
  }
  // Their kernels accept connections; no session is opened.
  const Ended failed = ask({"set", "x", "2", "--timeout", "500ms"});
  EXPECT_EQ(failed.status, 1) << failed.printed;
  EXPECT_NE(failed.printed.find("nothing was done"), std::string::npos) << failed.printed;
  const Ended unread = ask({"get", "x", "--timeout", "500ms"});
  EXPECT_EQ(unread.status, 1) << unread.printed;
  EXPECT_NE(unread.printed.find("no server could answer"), std::string::npos) << unread.printed;
}

// A server that opens sessions, and never answers a command.
Task<> serve_in_silence(net::TcpListener& listener, Event& asked) {
  net::RpcServer server;
  server.handle("open_session", [](std::int64_t) { return std::uint64_t{1}; });
  server.handle("command",
                [&](std::string, std::string, std::string, std::optional<std::string>,
                    std::optional<demo::InSession>) -> Task<> {
                  asked.set();
                  co_await sleep_for(std::chrono::hours(1));
                });
  co_await net::serve(listener, [&](net::TcpStream peer) { return server.serve(std::move(peer)); });
}

// How `coracle set` ends that has asked it; `signal` is sent then, unless it is 0.
Task<> ask_the_silent(std::string timeout, int signal, ExitStatus& status) {
  net::TcpListener listener = net::TcpListener::listen(net::Address::loopback(0));
  Event asked;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("silent", serve_in_silence, std::ref(listener), std::ref(asked));
    const ProcessOptions options(
        Program::path("coracle"),
        {"set", "x", "1", "--timeout", timeout, "--servers", listener.local_address().to_string()});
    Process set = Process::spawn(options);
    co_await race(asked.wait(), set.wait());  // it may have given up before
    if (signal != 0) set.kill(signal);
    status = co_await set.wait();
    group.cancel();
  });
}

// R4
TEST(MapCommandLine, TellsAnUnknownOutcomeByItsExitCode) {
  ExitStatus timed_out;
  run(ask_the_silent("3s", 0, timed_out));
  EXPECT_EQ(timed_out.code, 2);
  ExitStatus interrupted;
  run(ask_the_silent("60s", SIGINT, interrupted));
  EXPECT_EQ(interrupted.code, 2);
}

TEST(MapCommandLine, RefusesWhatDoesNotFitTogether) {
  EXPECT_GT(coracle({"get", "x"}).status, 2) << "no servers";
  EXPECT_GT(coracle({"set", "x", "--servers", "127.0.0.1:1"}).status, 2);
  const Ended both =
      coracle({"set", "x", "1", "--append", "--if", "2", "--servers", "127.0.0.1:1"});
  EXPECT_GT(both.status, 2) << both.printed;
  const Ended help = coracle({"set", "--help"});
  EXPECT_NE(help.printed.find("2 unknown"), std::string::npos) << help.printed;
}

}  // namespace
}  // namespace coracle
