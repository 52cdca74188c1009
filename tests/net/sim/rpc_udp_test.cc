// Calls over datagrams while the network loses and doubles them, and while servers come and go.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "net/rpc.h"
#include "net/udp.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

// A counter: what was called, when, and how often at the same time.
struct Counter {
  int value = 0;
  int running = 0;
  int running_most = 0;
  Duration length{};  // of each call
  std::vector<Duration> arrivals;

  Task<int> add(int more) {
    arrivals.push_back(since_begin());
    running_most = std::max(running_most, ++running);
    value += more;
    const int result = value;
    if (length > Duration::zero()) co_await sleep_for(length);
    --running;
    co_return result;
  }
  Task<> run(Address address) {
    RpcServer server;
    server.handle("add", [this](int more) { return add(more); });
    co_await server.serve_datagrams(UdpSocket::bind(address));
  }
  void start(Host& host, const Address& address) { host.start(&Counter::run, this, address); }
};

RpcClient client_of(const Address& address, const RpcClientOptions& options = {}) {
  return RpcClient(UdpSocket::connect(address), options);
}

TEST(SimulatedRpcOverUdp, IdempotentCallsGetThroughABadNetwork) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TwoHosts hosts(seed);
    hosts.network.link(hosts.a, hosts.b, {.loss = 0.3, .duplication = 0.2});
    Counter counter;
    counter.start(hosts.b, hosts.at_b);
    int answered = 0;
    const auto call = [&](RpcClient& client) -> Task<> {
      for (int i = 0; i < 10; ++i) {
        co_await client.call_idempotent<int>("add", 0);
        ++answered;
      }
    };
    const auto callers = [&]() -> Task<> {
      RpcClient client = client_of(hosts.at_b, {.call_timeout = 10min});
      co_await task_group([&](TaskGroup& group) -> Task<> {
        for (int i = 0; i < 10; ++i) group.spawn("caller", call, std::ref(client));
        co_return;
      });
    };
    hosts.a.start(callers);
    while (hosts.a.running()) hosts.world.run_for(1s);
    expect_no_failure(hosts.a);
    EXPECT_EQ(answered, 100);
  }
}

// By default after 200 ms, 400 ms, 800 ms ..., each up to a quarter more.
TEST(SimulatedRpcOverUdp, TheWaitsDouble) {
  TwoHosts hosts;
  hosts.set_latency(1us);
  hosts.network.cut(hosts.b, hosts.a);
  Counter counter;
  counter.start(hosts.b, hosts.at_b);
  std::string error;
  const auto caller = [&]() -> Task<> {
    RpcClient client = client_of(hosts.at_b, {.call_timeout = 5s});
    error = co_await error_of(client.call_idempotent("add", 1));
  };
  hosts.a.start(caller);
  hosts.world.run_for(10s);
  EXPECT_EQ(error, "call `add` of " + hosts.at_b.to_string() + ": Connection timed out");
  ASSERT_EQ(counter.arrivals.size(), 5U);  // 0, 0.2, 0.6, 1.4, 3.0 s at the earliest
  Duration wait = 200ms;
  for (std::size_t i = 1; i < counter.arrivals.size(); ++i, wait *= 2) {
    const Duration waited = counter.arrivals[i] - counter.arrivals[i - 1];
    EXPECT_GE(waited, wait - 1ms);
    EXPECT_LE(waited, wait + wait / 4 + 1ms);
  }
}

TEST(SimulatedRpcOverUdp, OtherCallsAreSentOnce) {
  TwoHosts hosts;
  hosts.network.cut(hosts.b, hosts.a);
  Counter counter;
  counter.start(hosts.b, hosts.at_b);
  std::string error;
  const auto caller = [&]() -> Task<> {
    RpcClient client = client_of(hosts.at_b);
    error = co_await error_of(client.call("add", 1));
    EXPECT_EQ(since_begin(), 10s);
  };
  hosts.a.start(caller);
  hosts.world.run_for(20s);
  EXPECT_EQ(error, "call `add` of " + hosts.at_b.to_string() + ": Connection timed out");
  EXPECT_EQ(counter.value, 1);
}

// A slow method is not started again by the impatience of its caller.
TEST(SimulatedRpcOverUdp, ARepeatedCallInProgressIsCarriedOutOnce) {
  TwoHosts hosts;
  Counter counter;
  counter.length = 5s;
  counter.start(hosts.b, hosts.at_b);
  int result = 0;
  const auto caller = [&]() -> Task<> {
    RpcClient client = client_of(hosts.at_b, {.repeat_after = 100ms});
    result = co_await client.call_idempotent<int>("add", 1);
  };
  hosts.a.start(caller);
  hosts.world.run_for(20s);
  expect_no_failure(hosts.a);
  EXPECT_EQ(result, 1);
  EXPECT_EQ(counter.running_most, 1);
  EXPECT_EQ(counter.value, 1);
}

TEST(SimulatedRpcOverUdp, AnIdempotentCallWaitsForAServerToComeBack) {
  TwoHosts hosts;
  int result = 0;
  std::string error;
  const auto caller = [&]() -> Task<> {
    RpcClient client = client_of(hosts.at_b);
    error = co_await error_of(client.call("add", 1));
    EXPECT_LT(since_begin(), 100ms) << "nobody listens: the other kernel says so";
    result = co_await client.call_idempotent<int>("add", 1);
  };
  hosts.a.start(caller);
  hosts.world.run_for(3s);
  EXPECT_EQ(error, "call `add` of " + hosts.at_b.to_string() + ": Connection refused");
  EXPECT_TRUE(hosts.a.running());
  Counter counter;
  counter.start(hosts.b, hosts.at_b);
  hosts.world.run_for(10s);
  expect_no_failure(hosts.a);
  EXPECT_EQ(result, 1);
}

TEST(SimulatedRpcOverUdp, ATimeoutTellsWhatTheNetworkSaid) {
  TwoHosts hosts;
  std::string error;
  const auto caller = [&]() -> Task<> {
    RpcClient client = client_of(hosts.at_b);
    error = co_await error_of(client.call_idempotent("add", 1));
  };
  hosts.a.start(caller);
  hosts.world.run_for(20s);
  EXPECT_EQ(error, "call `add` of " + hosts.at_b.to_string() +
                       " (Connection refused): Connection timed out");
}

// Nothing that a server keeps for a call stays when it crashes and comes back.
TEST(SimulatedRpcOverUdp, GoesOnAcrossCrashesOfTheServer) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TwoHosts hosts(seed);
    Counter counter;
    counter.length = 10ms;
    counter.start(hosts.b, hosts.at_b);
    int answered = 0;
    const auto caller = [&]() -> Task<> {
      RpcClient client = client_of(hosts.at_b, {.call_timeout = 10min});
      for (; answered < 100; ++answered) {
        static_cast<void>(co_await client.call_idempotent<int>("add", 0));
      }
    };
    hosts.a.start(caller);
    while (hosts.a.running()) {
      hosts.world.run_for(hosts.world.random().between(0ms, 300ms));
      hosts.b.crash();
      hosts.world.run_for(hosts.world.random().between(0ms, 300ms));
      hosts.b.restart();
    }
    expect_no_failure(hosts.a);
    EXPECT_EQ(answered, 100);
  }
}

}  // namespace
}  // namespace coracle::net
