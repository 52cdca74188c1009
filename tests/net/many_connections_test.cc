// A loop serves each connection right after reading it, however many there are.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "net/tcp.h"
#include "runtime/loop.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

// More than a pass may resume otherwise.
constexpr std::size_t kConnections = Loop::kResumptionsPerPass + 100;

Task<> note_pass(TcpStream& stream, std::set<std::uint64_t>& passes) {
  std::byte byte{};
  const std::size_t bytes = co_await stream.read({&byte, 1});
  EXPECT_EQ(bytes, 1U);
  passes.insert(Loop::current().pass());
}

TEST(ManyConnections, AreServedInThePassInWhichTheyAreRead) {
  std::set<std::uint64_t> passes;
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    std::vector<TcpStream> clients;
    std::vector<TcpStream> served;
    for (std::size_t i = 0; i < kConnections; ++i) {
      clients.push_back(co_await TcpStream::connect(listener.local_address()));
      served.push_back(co_await listener.accept());
    }
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (TcpStream& stream : served) {
        group.spawn("read", note_pass, std::ref(stream), std::ref(passes));
      }
      co_await sleep_for(10ms);  // all of them wait; then all have something to read at once
      for (TcpStream& client : clients) co_await client.write("x");
    });
  });
  EXPECT_EQ(passes.size(), 1U);
}

}  // namespace
}  // namespace coracle::net
