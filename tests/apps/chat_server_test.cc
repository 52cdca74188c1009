// The program chat_server, as its user meets it; and with a thousand members.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>

#include "apps/chat_room.h"
#include "runtime/condition.h"
#include "runtime/task_group.h"
#include "tests/apps/guest.h"
#include "tests/apps/listening.h"
#include "tests/net/tcp_pair.h"

namespace coracle {
namespace {

const std::string kAnyPort = "127.0.0.1:0";

TEST(ChatServer, SaysGoodbyeOnASignal) {
  ListeningProgram server("chat_server", {kAnyPort});
  const net::RawPeer ann(server.address);
  const net::RawPeer bob(server.address);
  const std::string question = "* what is your name?\n";
  const std::string welcome = "* welcome; there are /who, /nick NEW and /quit\n";
  ann.send("ann\n");
  EXPECT_EQ(ann.receive(question.size() + welcome.size()), question + welcome);
  bob.send("bob\nhello\n");
  EXPECT_EQ(ann.receive(24), "* bob joined\nbob: hello\n");
  server.program.send(SIGINT);
  EXPECT_EQ(ann.receive_all(), "* the server is closing\n");
  EXPECT_EQ(bob.receive_all(), question + welcome + "* the server is closing\n");
  EXPECT_EQ(server.program.wait(), 0);
}

TEST(ChatServer, ShowsWhatIsAllowedWhenAnArgumentIsWrong) {
  for (const std::string& text :
       {refused("chat_server", {}), refused("chat_server", {kAnyPort, "--unknown"}),
        refused("chat_server", {kAnyPort, "--queue", "0"}),
        refused("chat_server", {kAnyPort, "--queue", "many"})}) {
    EXPECT_NE(text.find("HOST:PORT"), text.npos) << text;
    EXPECT_NE(text.find("--queue"), text.npos) << text;
    EXPECT_NE(text.find("in [1 - 1000000]=256"), text.npos) << text;
  }
  EXPECT_EQ(refused("chat_server", {"nowhere"}),
            "chat_server: resolve nowhere: Invalid argument\n");
}

// --- a thousand members ------------------------------------------------------------------------

// Members that check what they hear: every line of the speaker, in order, and nothing twice.
struct Crowd {
  std::size_t joined = 0;
  std::size_t heard = 0;  // lines of the speaker, by all of them
  std::size_t told = 0;   // who was told that the silent one was dropped
  std::size_t ended = 0;
  Condition changed;

  Task<> attend(net::Address room, std::size_t number) {
    const std::unique_ptr<Guest> guest =
        co_await Guest::enter(room, "member" + std::to_string(number));
    ++joined;
    changed.notify_all();
    std::size_t next = 0;
    for (;;) {
      const std::string line = co_await guest->hear();
      if (line == "(end)" || line == "(silence)" || line == "(reset)") {
        EXPECT_EQ(line, "(end)");
        break;
      }
      if (line.starts_with("speaker: ")) {
        EXPECT_EQ(line.substr(9, line.find('.') - 9), std::to_string(next++));
        ++heard;
        changed.notify_all();
      }
      if (line == "* silent was dropped: it reads too slowly") ++told;
    }
    ++ended;
  }

  Task<> wait_for(const std::size_t& count, std::size_t least) {
    while (count < least) co_await changed.wait();
  }
};

// A member that never reads. The kernels keep little for it: its own has a small buffer, and asks
// for small segments, after which the server's measures its one.
class Silent {
 public:
  explicit Silent(const net::Address& server)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int buffer_bytes = 4096;
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    const int segment_bytes = 536;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int code = connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    const std::string_view name = "silent\n";
    const ssize_t sent = send(descriptor_, name.data(), name.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(code == 0 && sent == static_cast<ssize_t>(name.size()));
  }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  ~Silent() { close(descriptor_); }

 private:
  int descriptor_;
};

std::size_t resident_bytes(pid_t process) {
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

constexpr std::size_t kMembers = 998;  // and the speaker, and the silent one

struct Growth {
  std::size_t lines = 0;  // until the silent one was dropped
  std::size_t bytes = 0;
};

// Speaks until the silent one is dropped, no faster than all others hear it.
Task<> speak(Guest& speaker, Crowd& crowd, pid_t server, Growth& growth) {
  constexpr std::size_t kAtOnce = 16;
  constexpr std::size_t kLinesMax = 2000;
  const std::string filler(1000, '.');
  const std::size_t before = resident_bytes(server);
  while (crowd.told == 0 && growth.lines < kLinesMax) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      co_await speaker.say(std::to_string(growth.lines++) + filler);
    }
    co_await crowd.wait_for(crowd.heard, growth.lines * kMembers);
    const std::size_t now = resident_bytes(server);
    growth.bytes = std::max(growth.bytes, now > before ? now - before : 0);
  }
}

Task<> fill_and_speak(ListeningProgram& server, Crowd& crowd, Growth& growth) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    const Silent silent(server.address);
    for (std::size_t i = 0; i < kMembers; ++i) {
      group.spawn("member", &Crowd::attend, &crowd, server.address, i);
    }
    co_await crowd.wait_for(crowd.joined, kMembers);
    const auto speaker = co_await Guest::enter(server.address, "speaker");
    co_await speak(*speaker, crowd, server.program.pid(), growth);
    co_await speaker->say("/quit");
    server.program.send(SIGINT);
  });
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMemoryCounts = false;  // what is freed stays resident
#else
constexpr bool kMemoryCounts = true;
#endif

// What may grow: the queue of the one that does not read, with a line behind each place, which is
// kept once for everybody; what its stream holds for its writer and for its kernel; as much again
// for the allocator; and everybody's queue itself, which keeps the places that it has once needed.
// Were lines copied, or kept for longer, one round of them would be 16 MB.
TEST(ChatServer, AThousandMembersAndOneThatDoesNotRead) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);  // the server inherits it
  if (files.rlim_cur < kMembers + 100) GTEST_SKIP() << "too few descriptors";

  constexpr std::size_t kQueue = 64;
  constexpr std::size_t kSilent = kQueue * (ChatRoom::kLineBytesMax + 64) + 2 * 64 * 1024;
  constexpr std::size_t kQueues = kMembers * kQueue * sizeof(std::shared_ptr<const std::string>);
  ListeningProgram server("chat_server", {kAnyPort, "--queue", std::to_string(kQueue)});
  Crowd crowd;
  Growth growth;
  net::in_loop([&]() { return fill_and_speak(server, crowd, growth); });
  EXPECT_EQ(server.program.wait(), 0);
  EXPECT_EQ(crowd.ended, kMembers);
  EXPECT_EQ(crowd.heard, growth.lines * kMembers);
  EXPECT_EQ(crowd.told, kMembers);
  EXPECT_GT(growth.lines, kQueue);
  if (kMemoryCounts) {
    EXPECT_LE(growth.bytes, 2 * kSilent + kQueues) << "after " << growth.lines << " lines";
  }
  EXPECT_NE(server.program.printed().find("dropped name=silent"), std::string::npos);
  RecordProperty("lines", static_cast<int>(growth.lines));
  RecordProperty("bytes", static_cast<int>(growth.bytes));
}

}  // namespace
}  // namespace coracle
