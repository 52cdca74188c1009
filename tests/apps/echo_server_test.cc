// The program echo_server, as its user meets it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "net/address.h"
#include "tests/apps/program.h"
#include "tests/net/tcp_pair.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

std::string path() { return Program::path("echo_server"); }

// A running server and where it listens.
struct EchoServer {
  explicit EchoServer(std::vector<std::string> flags = {}) : program(command(std::move(flags))) {
    const std::string event = "listening address=";
    const std::string& line = program.read_until("\n");
    const std::size_t at = line.find(event);
    if (at == line.npos) return;
    const std::size_t begin = at + event.size();
    address = net::Address::from(line.substr(begin, line.find('\n') - begin));
  }

  static std::vector<std::string> command(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {path(), "127.0.0.1:0"});
    return flags;
  }

  Program program;
  net::Address address;
};

TEST(EchoServer, SendsBackWhatItReceives) {
  EchoServer server;
  const net::RawPeer one(server.address);
  const net::RawPeer two(server.address);
  one.send("hello");
  two.send("there");
  EXPECT_EQ(two.receive(5), "there");
  EXPECT_EQ(one.receive(5), "hello");
  const std::string large = net::pattern(100'000);  // what the kernels' buffers hold
  one.send(large);
  EXPECT_EQ(one.receive(large.size()), large);
  one.shut_down();
  EXPECT_EQ(one.receive_all(), "");
}

TEST(EchoServer, EndsCleanlyOnASignalAlsoWithOpenConnections) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EchoServer server;
    const net::RawPeer peer(server.address);
    peer.send("x");
    EXPECT_EQ(peer.receive(1), "x");
    server.program.send(signal);
    EXPECT_EQ(server.program.wait(), 0);
    EXPECT_NE(server.program.printed().find("canceled_by_signal"), std::string::npos);
    EXPECT_EQ(peer.receive_all(), "");
  }
}

TEST(EchoServer, EndsASilentConnectionAndSaysSo) {
  EchoServer server({"--idle-timeout", "50ms"});
  const net::RawPeer silent(server.address);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 49ms);
  server.program.read_until("connection_failed");
}

TEST(EchoServer, WaitsForEverWithoutATimeout) {
  EchoServer server({"--idle-timeout", "0"});
  const net::RawPeer silent(server.address);
  std::this_thread::sleep_for(100ms);
  silent.send("still here");
  EXPECT_EQ(silent.receive(10), "still here");
}

TEST(EchoServer, AResetConnectionDoesNotHurtTheOthers) {
  EchoServer server;
  const net::RawPeer healthy(server.address);
  {
    const net::RawPeer rude(server.address);
    rude.send("x");
    rude.end_with_reset();
  }
  server.program.read_until("connection_failed");
  healthy.send("fine");
  EXPECT_EQ(healthy.receive(4), "fine");
}

TEST(EchoServer, SaysThatItsPortIsInUse) {
  EchoServer first;
  Program second({path(), first.address.to_string()});
  EXPECT_EQ(second.wait(), 1);
  EXPECT_EQ(second.printed(),
            "echo_server: listen " + first.address.to_string() + ": Address already in use\n");
}

// What is printed for arguments that are refused.
std::string refused(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), path());
  Program program(std::move(arguments));
  EXPECT_NE(program.wait(), 0);
  return program.printed();
}

TEST(EchoServer, ShowsWhatIsAllowedWhenAnArgumentIsWrong) {
  for (const std::string& text : {refused({}), refused({"127.0.0.1:0", "--unknown"}),
                                  refused({"127.0.0.1:0", "--idle-timeout", "soon"})}) {
    EXPECT_NE(text.find("HOST:PORT"), text.npos) << text;
    EXPECT_NE(text.find("--idle-timeout DURATION=10s"), text.npos) << text;
  }
  EXPECT_NE(refused({"127.0.0.1:0", "--idle-timeout", "soon"})
                .find("`soon` is not a duration such as 10s or 150ms"),
            std::string::npos);
  EXPECT_EQ(refused({"nowhere"}), "echo_server: resolve nowhere: Invalid argument\n");
}

// --- system calls --------------------------------------------------------------------------------

// Reads the table of `strace -c`: how often each system call was made.
std::map<std::string, long> read_counts(const std::string& path) {
  std::map<std::string, long> counts;
  std::ifstream table(path);
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    double percent = 0;
    double seconds = 0;
    long microseconds = 0;
    long calls = 0;
    std::string last;
    if (!(words >> percent >> seconds >> microseconds >> calls)) continue;
    while (words >> last) {
    }
    counts[last] = calls;
  }
  return counts;
}

TEST(EchoServer, MakesTwoSystemCallsPerMessage) {
  constexpr long kMessages = 1000;
  EchoServer server;
  const net::RawPeer peer(server.address);
  const auto echo = [&](long times) {
    for (long i = 0; i < times; ++i) {
      peer.send("ping");
      ASSERT_EQ(peer.receive(4), "ping");
    }
  };
  echo(10);
  const std::string table =
      testing::TempDir() + "/strace_of_" + std::to_string(server.program.pid());
  Program strace({"strace", "-c", "-o", table, "-p", std::to_string(server.program.pid())});
  // Without strace, or the right to trace, it ends at once.
  if (strace.read_until("\n").find("attached") == std::string::npos) {
    GTEST_SKIP() << "no strace: " << strace.printed();
  }
  echo(kMessages);
  // A call is counted when it returns, and a reply arrives before the call that wrote it returns.
  // The server ends its side after that: once its end is here, every write has been counted.
  peer.shut_down();
  ASSERT_EQ(peer.receive_all(), "");
  strace.send(SIGINT);
  strace.wait();
  std::map<std::string, long> calls = read_counts(table);
  EXPECT_EQ(calls["read"], kMessages + 1) << "one for each message, one for the end";
  EXPECT_EQ(calls["write"], kMessages);
  EXPECT_LE(calls["epoll_ctl"], 2);
  EXPECT_LE(calls["epoll_wait"] + calls["epoll_pwait"], 2 * kMessages + 10);
  EXPECT_LE(calls["timerfd_settime"], 10) << "a timeout per read sets no timer of the kernel";
  std::remove(table.c_str());
}

}  // namespace
}  // namespace coracle
