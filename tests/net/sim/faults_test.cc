// Partitions, firewalls and resets between simulated hosts.
#include <functional>
#include <string>
#include <vector>

#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

Task<> answer(TcpStream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

Task<> answer_all(Address address) {
  TcpListener listener = TcpListener::listen(address);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (;;) {
      TcpStream peer = co_await listener.accept();
      group.spawn("answer", answer, std::move(peer));
    }
  });
}

// --- who reaches whom --------------------------------------------------------------------------

// A program that tries each address for 100 ms.
Task<> try_all(std::vector<Address> addresses, std::string& reached) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto stream = co_await within(100ms, TcpStream::connect(addresses[i]));
    reached += stream ? static_cast<char>('a' + i) : '-';
  }
}

struct FourHosts {
  FourHosts() : world(1), network(world) {
    for (const char* name : {"a", "b", "c", "d"}) hosts.push_back(&world.add_host(name));
  }

  // Returns    for each of the four whom it reaches: "abcd" for all of them.
  std::vector<std::string> who_reaches_whom() {
    std::vector<Address> addresses;
    for (const Host* host : hosts) addresses.push_back(sim::Network::address_of(*host, 7000));
    std::vector<std::string> reached(hosts.size());
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      hosts[i]->crash();
      const auto serve_and_try = [addresses, i, &reached]() -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
          group.spawn("serve", answer_all, addresses[i]);
          co_await sleep_for(1ms);
          co_await try_all(addresses, reached[i]);
          co_await sleep_for(1s);
          group.cancel();
        });
      };
      hosts[i]->start(serve_and_try);
    }
    run_to_the_end(world);
    return reached;
  }

  Simulation world;
  sim::Network network;
  std::vector<Host*> hosts;
};

using Strings = std::vector<std::string>;

TEST(SimFaults, APartitionCutsEveryCableBetweenItsSides) {
  FourHosts four;
  Host* const a = four.hosts[0];
  Host* const b = four.hosts[1];
  Host* const c = four.hosts[2];
  EXPECT_EQ(four.who_reaches_whom(), (Strings{"abcd", "abcd", "abcd", "abcd"}));
  four.network.partition({a}, {b, c});
  EXPECT_EQ(four.who_reaches_whom(), (Strings{"a--d", "-bcd", "-bcd", "abcd"}));
  four.network.heal();
  EXPECT_EQ(four.who_reaches_whom(), (Strings{"abcd", "abcd", "abcd", "abcd"}));
}

// A connection needs both ways.
TEST(SimFaults, ACutIsOneWay) {
  FourHosts four;
  Host& a = *four.hosts[0];
  Host& b = *four.hosts[1];
  four.network.cut(a, b);
  EXPECT_TRUE(four.network.is_cut(a, b));
  EXPECT_FALSE(four.network.is_cut(b, a));
  EXPECT_EQ(four.who_reaches_whom(), (Strings{"a-cd", "-bcd", "abcd", "abcd"}));
  four.network.mend(a, b);
  EXPECT_EQ(four.who_reaches_whom(), (Strings{"abcd", "abcd", "abcd", "abcd"}));
}

// SYNs arrive, answers do not: after 0, 1, 3, 7 s both try again.
TEST(SimFaults, ACutOfTheWayBackHidesTheAnswerToASyn) {
  TwoHosts hosts;
  hosts.network.cut(hosts.b, hosts.a);
  hosts.b.start(answer_all, hosts.at_b);
  hosts.world.run_for(1ms);
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    EXPECT_GE(since_begin(), 7s);
    EXPECT_LT(since_begin(), 7s + 10ms);
    co_await stream.write("x");
    const std::string text = co_await read_once(stream);
    EXPECT_EQ(text, "x");
  });
  hosts.world.run_for(5s);
  hosts.network.heal();
  hosts.world.run_for(5s);
  EXPECT_FALSE(hosts.a.running());
  expect_no_failure(hosts.a);
}

TEST(SimFaults, ACutOfTheWayBackThatIsNotMendedTimesOut) {
  TwoHosts hosts;
  hosts.network.cut(hosts.b, hosts.a);
  hosts.b.start(answer_all, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_LT(since_begin(), 127s + 10ms);
  });
  hosts.world.run_for(3min);
  EXPECT_FALSE(hosts.a.running());
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 1U) << "the listener alone";
}

TEST(SimFaults, HealKeepsWhatTheLinksAreLike) {
  TwoHosts hosts;
  hosts.set_latency(3ms);
  hosts.network.partition({&hosts.a}, {&hosts.b});
  hosts.network.heal();
  hosts.a.start([&]() -> Task<> {
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::connection_refused);
    EXPECT_EQ(since_begin(), 6ms);
  });
  run_to_the_end(hosts.world);
}

// --- firewalls ---------------------------------------------------------------------------------

TEST(SimFaults, AFirewallRefusesConnections) {
  TwoHosts hosts;
  hosts.network.reject(hosts.a, hosts.b);
  hosts.b.start(answer_all, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::connection_refused);
    hosts.network.reject(hosts.a, hosts.b, false);
    const TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    EXPECT_TRUE(stream.connected());
  });
  hosts.world.run_for(1s);
  EXPECT_FALSE(hosts.a.running());
  expect_no_failure(hosts.a);
}

// Only who sends is told: the other end stays open until it sends something itself.
TEST(SimFaults, AFirewallResetsConnectionsAtTheirNextSegment) {
  TwoHosts hosts;
  Reader reader;
  hosts.b.start([&]() -> Task<> {
    TcpStream stream = co_await accept_at(hosts.at_b);
    co_await reader.read_from(stream);
  });
  std::error_code code;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await sleep_for(2s);
    co_await stream.write("x");
    code = co_await code_of(read_once(stream));
  });
  hosts.world.run_for(1s);
  hosts.network.reject(hosts.a, hosts.b);
  hosts.world.run_for(10s);
  EXPECT_EQ(code, std::errc::connection_reset);
  EXPECT_FALSE(reader.ended);
  EXPECT_EQ(reader.text, "");
}

// --- resets ------------------------------------------------------------------------------------

TEST(SimFaults, AResetIsSeenByBothEndsOfEachConnection) {
  TwoHosts hosts;
  Host& c = hosts.world.add_host("c");
  std::vector<std::error_code> codes;
  hosts.b.start([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(hosts.at_b);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (;;) {
        TcpStream peer = co_await listener.accept();
        group.spawn(
            "read",
            [](TcpStream stream, std::vector<std::error_code>& seen) -> Task<> {
              const std::error_code code = co_await code_of(read_once(stream));
              seen.push_back(code);
            },
            std::move(peer), std::ref(codes));
      }
    });
  });
  const auto wait_for_a_reset = [&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    const std::error_code code = co_await code_of(read_once(stream));
    codes.push_back(code);
  };
  hosts.world.run_for(1ms);
  hosts.a.start(wait_for_a_reset);
  c.start(wait_for_a_reset);
  hosts.world.run_for(1s);
  hosts.network.reset(hosts.a, hosts.b);
  hosts.world.run_for(1s);
  ASSERT_EQ(codes.size(), 2U);
  EXPECT_EQ(codes[0], std::errc::connection_reset);
  EXPECT_EQ(codes[1], std::errc::connection_reset);
  EXPECT_TRUE(c.running()) << "its connection is another one";
}

}  // namespace
}  // namespace coracle::net
