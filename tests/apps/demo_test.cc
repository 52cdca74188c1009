// The program coracle as its user meets it: a cluster of real processes, driven through a pipe.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "tests/apps/program.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

std::string coracle_path() { return Program::path("coracle"); }

// True while a process exists and is no zombie.
bool is_alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

bool ends_soon(pid_t pid) {
  for (int tries = 0; tries < 500; ++tries) {
    if (!is_alive(pid)) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

// A demo whose answers are read line by line. Elections take as long as the machine is slow: each
// wait is bounded by far more than it needs, and asserts what happened, not when.
class Demo {
 public:
  explicit Demo(std::vector<std::string> flags = {})
      : temporary_(make_folder()), program_(command(temporary_, std::move(flags))) {}
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;
  // However it ends, but for SIGKILL, it leaves no file behind.
  ~Demo() {
    program_.close_input();
    if (program_.pid() > 0) program_.wait();
    EXPECT_EQ(leftovers(), killed_ ? 1 : 0);
    std::filesystem::remove_all(temporary_);
  }

  static std::string make_folder() {
    std::string path = testing::TempDir() + "/demo-test-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no folder";
    return path;
  }

  static std::vector<std::string> command(const std::string& temporary,
                                          std::vector<std::string> flags) {
    // Quiet from the start would hide failures: the log is printed when a test fails.
    std::vector<std::string> words{"env",  "TMPDIR=" + temporary, coracle_path(),
                                   "demo", "--election-timeout",  "300-600ms"};
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  }

  void kill() {
    killed_ = true;
    program_.send(SIGKILL);
    EXPECT_EQ(program_.wait(), 128 + SIGKILL);
  }

  // Types a command and reads on to the first line that matches.
  //   Returns    what the expression's first group matched.
  std::string ask(const std::string& line, const std::string& expression) {
    program_.type(line);
    return expect(expression);
  }

  std::string expect(const std::string& expression) {
    const std::regex wanted(expression);
    for (;;) {
      const std::string line = next_line();
      if (line.empty()) return "";
      std::smatch match;
      if (std::regex_search(line, match, wanted)) return match.size() > 1 ? match[1].str() : line;
    }
  }

  std::string wait_leader() { return ask("wait-leader 60s", "^leader=([0-9]+) term="); }

  // Asks until a server says so of itself.
  bool becomes(const std::string& server, const std::string& expression) {
    const std::regex wanted(expression);
    for (int tries = 0; tries < 600; ++tries) {
      const std::string line = ask("status", "^(node=" + server + " .*)$");
      if (std::regex_search(line, wanted)) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }

  std::vector<pid_t> pids(int nodes) {
    std::vector<pid_t> found;
    program_.type("status");
    for (int node = 1; node <= nodes; ++node) {
      const std::string pid = expect("^node=" + std::to_string(node) + " pid=([0-9]+) ");
      found.push_back(pid.empty() ? 0 : std::stoi(pid));
    }
    return found;
  }

  Program& program() { return program_; }

 private:
  std::string next_line() {
    std::size_t end = 0;
    while ((end = program_.printed().find('\n', read_)) == std::string::npos) {
      if (!program_.read_on()) {
        ADD_FAILURE() << "the demo says nothing more:\n" << program_.printed();
        return "";
      }
    }
    const std::string line = program_.printed().substr(read_, end - read_);
    read_ = end + 1;
    return line.empty() ? " " : line;
  }

  [[nodiscard]] std::ptrdiff_t leftovers() const {
    const std::filesystem::directory_iterator folder(temporary_);
    return std::distance(begin(folder), end(folder));
  }

  const std::string temporary_;  // where it puts what is to go with it
  Program program_;
  bool killed_ = false;
  std::size_t read_ = 0;
};

// The story of the demo: elect, lose the leader, elect, take it back, pause the new one, elect, and
// see it follow.
TEST(Demo, ElectsAgainWheneverItsLeaderGoes) {
  Demo demo;
  const std::string first = demo.wait_leader();
  EXPECT_EQ(demo.ask("kill leader", "^node=([0-9]+) pid=none state=down"), first);
  const std::string second = demo.wait_leader();
  EXPECT_NE(second, first);
  demo.ask("start " + first, "^node=" + first + " pid=[0-9]+ state=up");
  EXPECT_TRUE(demo.becomes(first, "state=up role=follower"));
  const std::string leader = demo.wait_leader();
  EXPECT_EQ(demo.ask("pause leader", "^node=([0-9]+) pid=[0-9]+ state=paused"), leader);
  const std::string third = demo.wait_leader();
  EXPECT_NE(third, leader);
  demo.ask("resume " + leader, "^node=" + leader + " pid=[0-9]+ state=up");
  EXPECT_TRUE(demo.becomes(leader, "role=follower")) << "the old leader follows";
  demo.program().type("quit");
  EXPECT_EQ(demo.program().wait(), 0);
}

// What was written before the leader was killed is there after it.
TEST(Demo, KeepsItsMap) {
  Demo demo;
  const std::string first = demo.wait_leader();
  demo.ask("set x 1", "^x=1 .was absent.$");
  demo.ask("set x 2", "^x=2 .was 1.$");
  demo.ask("get y", "^y is absent$");
  EXPECT_EQ(demo.ask("kill leader", "^node=([0-9]+) pid=none state=down"), first);
  demo.wait_leader();
  demo.ask("get x", "^x=2$");
  demo.ask("set y 3", "^y=3 .was absent.$");
  demo.ask("dump", "^the map is .x=2 y=3.$");
  demo.expect("^node=" + first + " is not up$");
}

TEST(Demo, ElectsNobodyWithoutAMajority) {
  Demo demo;
  const std::string leader = demo.wait_leader();
  demo.ask("kill leader", "^node=" + leader + " pid=none state=down");
  const std::string second = demo.wait_leader();
  demo.ask("kill leader", "^node=" + second + " pid=none state=down");
  EXPECT_EQ(demo.ask("wait-leader 2s", "^(leader=none) after="), "leader=none");
  demo.ask("get x", "^get .x. .no server could answer");
}

TEST(Demo, ShowsTheTasksOfAServer) {
  Demo demo;
  demo.wait_leader();
  demo.ask("tasks 2", "^main \\(");
  demo.expect("at .*node.cc:[0-9]+");
}

TEST(Demo, SaysWhatIsWrongWithACommand) {
  Demo demo;
  demo.ask("kill 7", "^no server 7: there are 1 to 3");
  demo.ask("sing", "^no such command: sing");
  demo.ask("resume 1", "^node=1 .*only a paused server");
  demo.ask("start 1", "^node=1 .*it runs already");
}

TEST(Demo, LeavesNoChildBehindHoweverItEnds) {
  const auto run_and_end = [](const auto& end) {
    Demo demo;
    const std::vector<pid_t> pids = demo.pids(3);
    for (const pid_t pid : pids) EXPECT_TRUE(is_alive(pid));
    demo.ask("pause 1", "^node=1 .*paused");  // a stopped process must not stay behind either
    end(demo);
    for (const pid_t pid : pids) EXPECT_TRUE(ends_soon(pid)) << pid;
  };
  run_and_end([](Demo& demo) {
    demo.program().type("quit");
    EXPECT_EQ(demo.program().wait(), 0);
  });
  run_and_end([](Demo& demo) {
    demo.program().close_input();
    EXPECT_EQ(demo.program().wait(), 0);
  });
  for (const int signal : {SIGINT, SIGTERM}) {
    run_and_end([signal](Demo& demo) {
      demo.program().send(signal);
      EXPECT_EQ(demo.program().wait(), 0);
    });
  }
  run_and_end([](Demo& demo) { demo.kill(); });
}

// With --data a cluster goes on where it was: its terms do not begin again, and nobody else's
// server joins it.
TEST(Demo, FindsItsDataAgain) {
  std::string data = testing::TempDir() + "coracle-kept-XXXXXX";
  ASSERT_NE(mkdtemp(data.data()), nullptr);
  std::vector<int> terms;
  for (int life = 1; life <= 2; ++life) {
    Demo demo({"--data", data});
    const std::string term = demo.ask("wait-leader 60s", "^leader=[0-9]+ term=([0-9]+)");
    terms.push_back(std::stoi(term));
    demo.program().type("quit");
    EXPECT_EQ(demo.program().wait(), 0);
  }
  EXPECT_GT(terms[1], terms[0]);

  Program foreign({coracle_path(), "serve", "--id", "1", "--members", "1=127.0.0.1:0", "--cluster",
                   "5", "--data", data + "/node-1"});
  EXPECT_NE(foreign.wait(), 0);
  EXPECT_NE(foreign.printed().find("belongs to cluster"), std::string::npos) << foreign.printed();

  std::ofstream(data + "/cluster") << "five";
  Program damaged({coracle_path(), "demo", "--data", data});
  EXPECT_NE(damaged.wait(), 0);
  EXPECT_NE(damaged.printed().find("`five` is not a cluster's number"), std::string::npos)
      << damaged.printed();
  std::filesystem::remove_all(data);
}

TEST(Coracle, ListsWhatIsAllowed) {
  Program help({coracle_path(), "--help"});
  EXPECT_EQ(help.wait(), 0);
  for (const char* word : {"demo", "serve", "status"}) {
    EXPECT_NE(help.printed().find(word), std::string::npos) << word;
  }
  Program wrong(
      {coracle_path(), "serve", "--id", "4", "--members", "1=127.0.0.1:7101", "--data", "unused"});
  EXPECT_NE(wrong.wait(), 0);
  EXPECT_NE(wrong.printed().find("4 is not among --members 1=127.0.0.1:7101"), std::string::npos)
      << wrong.printed();
  Program hasty({coracle_path(), "demo", "--heartbeat", "200ms"});
  EXPECT_NE(hasty.wait(), 0);
  EXPECT_NE(hasty.printed().find("--heartbeat"), std::string::npos) << hasty.printed();
}

}  // namespace
}  // namespace coracle
