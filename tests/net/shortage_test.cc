// Out of descriptors: connections wait in the kernel's queue, and nobody is hurt.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "net/serve.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

// Leaves this process `count` more descriptors, as long as it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(int count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    std::vector<int> taken;
    do {
      taken.push_back(dup(STDERR_FILENO));
      few.rlim_cur = static_cast<rlim_t>(taken.back());
    } while (static_cast<int>(taken.size()) <= count);
    for (const int descriptor : taken) close(descriptor);
    setrlimit(RLIMIT_NOFILE, &few);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

Task<> greet_and_wait(TcpStream peer, int& served) {
  ++served;
  co_await peer.write("hi");
  co_await read_to_end(peer);
}

bool is_about(const std::string& line, const char* event) {
  return line.find(event) != std::string::npos;
}

TEST(Shortage, ServeGoesOnWhenDescriptorsAreFreeAgain) {
  constexpr std::size_t kClients = 6;
  int served = 0;
  const auto handler = [&](TcpStream peer) { return greet_and_wait(std::move(peer), served); };
  const auto lines = in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    static_cast<void>(co_await connected_pair());   // libuv keeps a descriptor from then on
    std::vector<std::unique_ptr<RawPeer>> clients;  // connected by the kernel, not accepted yet
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<RawPeer>(listener.local_address()));
    }
    const FewDescriptors few(2);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", [&] { return serve(listener, handler); });
      co_await sleep_for(100ms);
      EXPECT_EQ(served, 2);
      const std::string greeting = clients.front()->receive(2);
      EXPECT_EQ(greeting, "hi") << "who was accepted is served";
      while (!clients.empty()) {  // each one that leaves makes room for another
        clients.erase(clients.begin());
        co_await sleep_for(60ms);
      }
      EXPECT_EQ(served, static_cast<int>(kClients));
      group.cancel();
    });
  });
  const auto about = [&](const char* event) {
    return std::ranges::count_if(lines, [&](const auto& line) { return is_about(line, event); });
  };
  EXPECT_EQ(about("cannot_accept connections=2 error=\"accept 127.0.0.1:"), 1);
  EXPECT_EQ(about("Too many open files"), about("cannot_accept")) << "once per shortage";
  EXPECT_GE(about("accepts_again"), 1);
}

TEST(Shortage, AcceptThrowsAndTheConnectionStays) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const RawPeer client(listener.local_address());
    {
      const FewDescriptors none(0);
      const std::string error = co_await error_of(listener.accept());
      EXPECT_EQ(error, "accept " + listener.local_address().to_string() + ": Too many open files");
    }
    TcpStream server = co_await listener.accept();
    co_await server.write("hi");
    const std::string greeting = client.receive(2);
    EXPECT_EQ(greeting, "hi");
  });
}

TEST(Shortage, ConnectSaysSo) {
  in_loop([]() -> Task<> {
    const TcpListener listener = TcpListener::listen(Address::loopback(0));
    const Address address = listener.local_address();
    const FewDescriptors none(0);
    const std::string error = co_await error_of(TcpStream::connect(address));
    EXPECT_EQ(error, "connect " + address.to_string() + ": Too many open files");
    EXPECT_THROW(static_cast<void>(TcpListener::listen(Address::loopback(0))), Error);
  });
}

}  // namespace
}  // namespace coracle::net
