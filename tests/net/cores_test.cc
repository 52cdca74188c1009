// A server on two loops: each listens on the same port, and the kernel spreads the clients.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <future>
#include <span>
#include <utility>

#include "net/serve.h"
#include "net/tcp.h"
#include "runtime/combinators.h"
#include "runtime/remote.h"
#include "runtime/run_on_cores.h"

namespace coracle::net {
namespace {

constexpr std::size_t kServers = 2;
constexpr int kClients = 200;

// What the loops tell each other at the beginning.
struct Known {
  std::promise<Address> address;  // of the first listener
  std::shared_future<Address> where{address.get_future().share()};
  std::array<std::promise<RemoteSender<void>>, kServers> stop;  // once it listens
};

TcpListener listen_with_the_others(Known& known, std::size_t core) {
  const ListenOptions shared{.reuse_port = true};
  if (core != 0) return TcpListener::listen(known.where.get(), shared);
  TcpListener first = TcpListener::listen(Address::loopback(0), shared);
  known.address.set_value(first.local_address());
  return first;
}

// Tells each client which core it came to.
Task<> serve_until_stopped(Known& known, std::size_t core, int& served) {
  TcpListener listener = listen_with_the_others(known, core);
  Remote<> stop;
  known.stop[core].set_value(stop.sender());
  const auto tell = [core, &served](TcpStream peer) -> Task<> {
    ++served;
    const std::array<std::byte, 1> number = {static_cast<std::byte>(core)};
    co_await peer.write(number);
    co_await peer.finish();
  };
  co_await race(serve(listener, tell), stop.receive());
}

Task<> connect_many(Known& known, std::array<int, kServers>& seen) {
  std::array<RemoteSender<void>, kServers> stop = {known.stop[0].get_future().get(),
                                                   known.stop[1].get_future().get()};
  for (int i = 0; i < kClients; ++i) {
    TcpStream stream = co_await TcpStream::connect(known.where.get());
    std::array<std::byte, 1> number{};
    const std::size_t count = co_await stream.read(number);
    EXPECT_EQ(count, 1U);
    ++seen[std::to_integer<std::size_t>(number[0])];
  }
  for (RemoteSender<void>& sender : stop) sender.complete();
}

TEST(Cores, ShareAPortAndServeEveryClient) {
  Known known;
  std::array<int, kServers> served{};
  std::array<int, kServers> seen{};
  run_on_cores(kServers + 1, [&](std::size_t core) {
    if (core == kServers) return connect_many(known, seen);
    return serve_until_stopped(known, core, served[core]);
  });
  EXPECT_EQ(served, seen);
  EXPECT_EQ(seen[0] + seen[1], kClients) << "none was refused";
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
}

}  // namespace
}  // namespace coracle::net
