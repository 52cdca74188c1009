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
#include "tests/net/transport.h"

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

class Shortage : public testing::TestWithParam<Transport> {};

// A client without a loop.
std::unique_ptr<RawPeer> raw_peer_of(const std::string& name) {
  const auto address = Address::parse(name);
  return address ? std::make_unique<RawPeer>(*address) : std::make_unique<RawPeer>(name);
}

Task<> greet_and_wait(Stream peer, int& served) {
  ++served;
  co_await peer.write("hi");
  co_await read_to_end(peer);
}

bool is_about(const std::string& line, const char* event) {
  return line.find(event) != std::string::npos;
}

TEST_P(Shortage, ServeGoesOnWhenDescriptorsAreFreeAgain) {
  constexpr std::size_t kClients = 6;
  int served = 0;
  const auto handler = [&](Stream peer) { return greet_and_wait(std::move(peer), served); };
  const auto lines = in_loop([&]() -> Task<> {
    Listener listener = listen_over(GetParam());
    static_cast<void>(
        co_await connected_pair(GetParam()));       // libuv keeps a descriptor from then on
    std::vector<std::unique_ptr<RawPeer>> clients;  // connected by the kernel, not accepted yet
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.push_back(raw_peer_of(listener.name()));
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
  EXPECT_EQ(about("cannot_accept connections=2 error=\"accept "), 1);
  EXPECT_EQ(about("Too many open files"), about("cannot_accept")) << "once per shortage";
  EXPECT_GE(about("accepts_again"), 1);
}

TEST_P(Shortage, AcceptThrowsAndTheConnectionStays) {
  in_loop([]() -> Task<> {
    Listener listener = listen_over(GetParam());
    const auto client = raw_peer_of(listener.name());
    {
      const FewDescriptors none(0);
      const std::string error = co_await error_of(listener.accept());
      EXPECT_EQ(error, "accept " + listener.name() + ": Too many open files");
    }
    Stream server = co_await listener.accept();
    co_await server.write("hi");
    const std::string greeting = client->receive(2);
    EXPECT_EQ(greeting, "hi");
  });
}

TEST_P(Shortage, ConnectSaysSo) {
  in_loop([]() -> Task<> {
    const Listener listener = listen_over(GetParam());
    const FewDescriptors none(0);
    const std::string error = co_await error_of(connect_to_name(listener.name()));
    EXPECT_EQ(error, "connect " + listener.name() + ": Too many open files");
    EXPECT_THROW(static_cast<void>(listen_over(GetParam())), Error);
  });
}

INSTANTIATE_TEST_SUITE_P(Over, Shortage, kTransports, name_of_transport);

}  // namespace
}  // namespace coracle::net
