// The guide's service and its test, as the guide in net/README.md has them: a small key-value
// service with a planted bug, which a seed finds and replays.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "net/rpc.h"
#include "net/serve.h"
#include "net/sim/network.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace {

// The guide begins.
using namespace coracle;
using namespace std::chrono_literals;

// The service: a value per key, kept by one server.
Task<> keep_values(net::Address address) {
  std::map<std::string, int> values;
  net::RpcServer server;
  server.handle("get", [&](std::string key) -> Task<int> { co_return values[key]; });
  server.handle("add",
                [&](std::string key, int more) -> Task<int> { co_return values[key] += more; });
  net::TcpListener listener = net::TcpListener::listen(address);
  const auto answer = [&](net::TcpStream peer) { return server.serve(std::move(peer)); };
  co_await net::serve(listener, answer);
}

// Its client counts to ten. What fails is tried again over a new connection: and there is the bug,
// for a call that failed may have been carried out all the same.
Task<> count_to_ten(net::Address server, int& counted) {
  for (int done = 0; done < 10;) {
    try {
      net::RpcClient client = co_await with_timeout(1s, net::RpcClient::connect(server));
      while (done < 10) {
        counted = co_await with_timeout(1s, client.call<int>("add", "hits", 1));
        ++done;
        co_await sleep_for(100ms);
      }
    } catch (const Error&) {  // go round again
    }
  }
}

// The test: everything in one thread and in virtual time, with cuts whose times the seed decides.
int count_under_partitions(std::uint64_t seed) {
  sim::Simulation world(seed);
  net::sim::Network network(world);
  sim::Host& server = world.add_host("server");
  sim::Host& client = world.add_host("client");
  const net::Address address = net::sim::Network::address_of(server, 7000);
  int counted = 0;
  server.start(keep_values, address);
  client.start(count_to_ten, address, std::ref(counted));
  while (client.running()) {
    world.run_for(world.random().between(0ms, 500ms));
    network.cut(server, client);  // calls still arrive, answers do not
    world.run_for(world.random().between(0ms, 3s));
    network.heal();
  }
  return counted;
}

std::optional<std::uint64_t> find_bad_seed() {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (count_under_partitions(seed) != 10) return seed;
  }
  return std::nullopt;
}
// The guide ends.

TEST(UserGuide, ASeedFindsThePlantedBugAndReplaysIt) {
  const auto seed = find_bad_seed();
  ASSERT_TRUE(seed.has_value());
  const int counted = count_under_partitions(*seed);
  EXPECT_GT(counted, 10);
  EXPECT_EQ(count_under_partitions(*seed), counted);
}

}  // namespace
