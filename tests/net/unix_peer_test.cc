// Unix sockets on the real back end: who the peer is, and what is served to whom.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "net/rpc.h"
#include "net/serve.h"
#include "net/unix.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace coracle::net {
namespace {

// --- the peer ----------------------------------------------------------------------------------

TEST(Unix, ThePeerIsKnown) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    UnixListener listener = UnixListener::listen(path);
    const UnixStream client = co_await UnixStream::connect(path);
    const UnixStream server = co_await listener.accept();
    const PeerCredentials own{getpid(), geteuid(), getegid()};
    EXPECT_EQ(client.peer_credentials(), own);
    EXPECT_EQ(server.peer_credentials(), own);
    EXPECT_EQ(server.peer_name(), path + " pid=" + std::to_string(getpid()));
    EXPECT_EQ(listener.name(), path);
  });
}

TEST(Unix, ThePeerIsKnownWhenItIsAnotherProcess) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    UnixListener listener = UnixListener::listen(path);
    const pid_t child = fork();
    if (child == 0) {
      const RawPeer peer(path);
      peer.receive_all();
      _exit(0);
    }
    {
      const UnixStream server = co_await listener.accept();
      EXPECT_EQ(server.peer_credentials().pid, child);
    }
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
  });
}

TEST(UnixDeathTest, AStreamOfAnotherKind) {
  const auto mistake = [] {
    in_loop([]() -> Task<> {
      StreamPair pair = co_await connected_pair(Transport::tcp);
      const UnixStream wrong(std::move(pair.client));
    });
  };
  EXPECT_DEATH(mistake(), "this stream is no Unix socket");
}

// --- what is served ----------------------------------------------------------------------------

Task<int> sum(int a, int b) { co_return a + b; }

TEST(Unix, ServesCallsAndKnowsTheCaller) {
  const auto lines = in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    UnixListener listener = UnixListener::listen(path);
    RpcServer server;
    server.handle("sum", sum);
    int callers = 0;
    const auto handler = [&](UnixStream peer) -> Task<> {
      if (peer.peer_credentials().pid == getpid()) ++callers;
      return server.serve(std::move(peer));
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", [&] { return serve(listener, handler); });
      UnixStream stream = co_await UnixStream::connect(path);
      RpcClient client(std::move(stream));
      const int result = co_await client.call<int>("sum", 1, 2);
      EXPECT_EQ(result, 3);
      EXPECT_EQ(client.peer_name(), path);
      UnixStream rude = co_await UnixStream::connect(path);
      co_await rude.write("\xc1 is no MessagePack");
      const std::string end = co_await read_to_end(rude);
      group.cancel();
    });
    EXPECT_EQ(callers, 2);
  });
  const std::string name = " pid=" + std::to_string(getpid());
  const bool is_logged = std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(name) != line.npos; });
  EXPECT_TRUE(is_logged) << "the connection that was closed is called by its name";
}

}  // namespace
}  // namespace coracle::net
