// Addresses, names, ports, and how long connecting takes in a simulated network.
#include "net/sim/network.h"

#include <cerrno>
#include <functional>
#include <set>
#include <vector>

#include "net/resolve.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

// --- connecting --------------------------------------------------------------------------------

TEST(SimNetwork, ConnectingTakesARoundTripAndASegmentHalfOfIt) {
  TwoHosts hosts;
  hosts.set_latency(1ms);
  Reader reader;
  Duration connected{};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    connected = since_begin();
    co_await stream.write("x");
  });
  run_to_the_end(hosts.world);
  EXPECT_EQ(connected, 2ms);
  EXPECT_EQ(reader.text, "x");
  EXPECT_EQ(reader.last, 3ms);
}

TEST(SimNetwork, RefusesAfterARoundTripWhereNobodyListens) {
  TwoHosts hosts;
  hosts.set_latency(1ms);
  hosts.a.start([&]() -> Task<> {
    const std::string error = co_await error_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(error, "connect 10.0.0.2:7000: Connection refused");
    EXPECT_EQ(since_begin(), 2ms);
  });
  run_to_the_end(hosts.world);
  EXPECT_EQ(count_events(hosts.world, "refused"), 1);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

// SYNs go out after 0, 1, 3, 7, 15, 31 and 63 s.
TEST(SimNetwork, ConnectingToASilentMachineTimesOutAfter127Seconds) {
  TwoHosts hosts;
  hosts.b.crash_machine();
  hosts.a.start([&]() -> Task<> {
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_GE(since_begin(), 127s);
    EXPECT_LT(since_begin(), 127s + 10ms);
  });
  run_to_the_end(hosts.world);
  EXPECT_EQ(hosts.network.counters().segments_sent, 7U);
  EXPECT_EQ(hosts.network.counters().segments_unheard, 7U);
}

TEST(SimNetwork, KnowsWhereThereIsNobody) {
  TwoHosts hosts;
  hosts.a.start([&]() -> Task<> {
    for (std::string_view far : {"192.168.0.1:7", "[fe80::1]:7", "[2001:db8::1]:7"}) {
      const std::error_code code = co_await code_of(TcpStream::connect(Address::from(far)));
      EXPECT_EQ(code, std::errc::network_unreachable) << far;
    }
    EXPECT_EQ(since_begin(), 0s);
    const std::error_code code = co_await code_of(TcpStream::connect(Address::from("10.0.0.9:7")));
    EXPECT_EQ(code, std::errc::timed_out);
  });
  run_to_the_end(hosts.world);
}

// The one whose SYN found no room is heard when it tries again, after a second.
TEST(SimNetwork, DropsWhatFindsTheQueueFull) {
  TwoHosts hosts;
  std::vector<Duration> connected;
  hosts.b.start([&]() -> Task<> {
    const ListenOptions options{.backlog = 1};
    TcpListener listener = TcpListener::listen(hosts.at_b, options);
    co_await sleep_for(500ms);
    for (int i = 0; i < 3; ++i) static_cast<void>(co_await listener.accept());
  });
  hosts.a.start([&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const TcpStream stream = co_await TcpStream::connect(hosts.at_b);
      connected.push_back(since_begin());
    }
  });
  run_to_the_end(hosts.world);
  ASSERT_EQ(connected.size(), 3U);
  EXPECT_LT(connected[1], 10ms);
  EXPECT_GE(connected[2], 1s);
  EXPECT_LT(connected[2], 1s + 10ms);
}

TEST(SimNetwork, StaysWithTheWorldWhenItsObjectIsGone) {
  Simulation world(1);
  Host& a = world.add_host("a");
  {
    const sim::Network network(world);
  }
  bool connected = false;
  a.start([&]() -> Task<> {
    const TcpPair pair = co_await connected_pair();
    connected = pair.client.connected();
  });
  run_to_the_end(world);
  EXPECT_TRUE(connected);
}

// --- addresses and ports -----------------------------------------------------------------------

TEST(SimNetwork, GivesEachHostAnAddressAfterItsNumber) {
  Simulation world(1);
  for (int i = 1; i <= 257; ++i) world.add_host("h" + std::to_string(i));
  EXPECT_EQ(sim::Network::address_of(*world.hosts()[0], 80).to_string(), "10.0.0.1:80");
  EXPECT_EQ(sim::Network::address_of(*world.hosts()[256], 80).to_string(), "10.0.1.1:80");
}

std::string listen_error(std::string_view address) {
  try {
    static_cast<void>(TcpListener::listen(Address::from(address)));
  } catch (const Error& error) {
    return error.code() == std::errc::address_in_use          ? "in use"
           : error.code() == std::errc::address_not_available ? "not available"
                                                              : error.what();
  }
  return "listens";
}

TEST(SimNetwork, GivesAPortToOneListener) {
  TwoHosts hosts;
  hosts.a.start([&]() -> Task<> {
    const TcpListener any = TcpListener::listen(Address::from("0.0.0.0:1"));
    const TcpListener own = TcpListener::listen(Address::from("10.0.0.1:2"));
    const TcpListener six = TcpListener::listen(Address::from("[::]:3"));
    EXPECT_EQ(listen_error("0.0.0.0:1"), "in use");
    EXPECT_EQ(listen_error("127.0.0.1:1"), "in use");
    EXPECT_EQ(listen_error("[::1]:1"), "listens");
    EXPECT_EQ(listen_error("0.0.0.0:2"), "in use");
    EXPECT_EQ(listen_error("127.0.0.1:2"), "listens");
    EXPECT_EQ(listen_error("127.0.0.1:3"), "in use");
    EXPECT_EQ(listen_error("10.0.0.2:4"), "not available");
    co_return;
  });
  hosts.b.start([&]() -> Task<> {
    co_await sleep_for(1ms);
    EXPECT_EQ(listen_error("0.0.0.0:1"), "listens") << "that port is another machine's";
  });
  run_to_the_end(hosts.world);
}

TEST(SimNetwork, ChoosesFreePorts) {
  TwoHosts hosts;
  hosts.a.start([&]() -> Task<> {
    std::set<std::uint16_t> ports;
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    ports.insert(listener.local_address().port());
    std::vector<TcpStream> streams;
    for (int i = 0; i < 50; ++i) {
      streams.push_back(co_await TcpStream::connect(listener.local_address()));
      ports.insert(streams.back().local_address().port());
      streams.push_back(co_await listener.accept());
    }
    EXPECT_EQ(ports.size(), 51U);
  });
  run_to_the_end(hosts.world);
  hosts.world.run_for(1ms);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

Task<> answer_three(TcpListener& listener) {
  for (int i = 0; i < 3; ++i) {
    TcpStream stream = co_await listener.accept();
    co_await stream.write(stream.local_address().to_string());
  }
}

TEST(SimNetwork, ReachesAListenerOfAnyAddressByAllOfThem) {
  TwoHosts hosts;
  hosts.a.start([&]() -> Task<> {
    TcpListener any = TcpListener::listen(Address::from("[::]:7000"));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("answer", answer_three, std::ref(any));
      for (std::string_view address : {"127.0.0.1:7000", "[::1]:7000", "10.0.0.1:7000"}) {
        TcpStream stream = co_await TcpStream::connect(Address::from(address));
        const std::string seen = co_await read_to_end(stream);
        EXPECT_EQ(seen, address);
      }
    });
  });
  run_to_the_end(hosts.world);
}

TEST(SimNetwork, HidesAListenerOfLoopbackFromOtherHosts) {
  TwoHosts hosts;
  hosts.b.start([&]() -> Task<> {
    TcpListener own = TcpListener::listen(Address::loopback(7000));
    const auto nobody = co_await within(1s, own.accept());
    EXPECT_FALSE(nobody);
  });
  hosts.a.start([&]() -> Task<> {
    co_await sleep_for(1ms);
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::connection_refused);
  });
  run_to_the_end(hosts.world);
}

TEST(SimNetwork, StaysWithinAHostWhateverIsCut) {
  TwoHosts hosts;
  hosts.network.set_default_link({.loss = 1});
  hosts.network.partition({&hosts.a}, {&hosts.b});
  hosts.a.start([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    co_await pair.client.write("here");
    const std::string text = co_await read_once(pair.server);
    EXPECT_EQ(text, "here");
    EXPECT_LT(since_begin(), 1ms);
  });
  run_to_the_end(hosts.world);
}

// --- names -------------------------------------------------------------------------------------

TEST(SimNetwork, FindsHostsByTheirNames) {
  TwoHosts hosts;
  hosts.a.start([&]() -> Task<> {
    const std::vector<Address> found = co_await resolve("b", 7000);
    EXPECT_EQ(found, std::vector<Address>{hosts.at_b});
    EXPECT_GT(since_begin(), 0s);
    EXPECT_LE(since_begin(), 2ms);
    const std::vector<Address> local = co_await resolve("localhost:1");
    EXPECT_EQ(local, std::vector<Address>{Address::loopback(1)});
    const std::error_code code = co_await code_of(resolve("nosuch", 1));
    EXPECT_EQ(code, ResolveError::unknown_name);
  });
  run_to_the_end(hosts.world);
}

TEST(SimNetwork, LookupsMayFail) {
  TwoHosts hosts;
  hosts.network.set_lookups(hosts.a, sim::Lookups::failing);
  const auto look_up = [&](std::error_code expected) -> Task<> {
    const std::error_code code = co_await code_of(resolve("b", 1));
    EXPECT_EQ(code, expected);
  };
  hosts.a.start(look_up, ResolveError::try_again);
  hosts.b.start(look_up, std::error_code());
  run_to_the_end(hosts.world);
}

TEST(SimNetwork, LookupsMayHangUntilTheyAreAnswered) {
  TwoHosts hosts;
  hosts.network.set_lookups(hosts.a, sim::Lookups::hanging);
  hosts.a.start([&]() -> Task<> {
    const std::vector<Address> found = co_await resolve("b", 7000);
    EXPECT_EQ(found.size(), 1U);
    EXPECT_GT(since_begin(), 1min);
    EXPECT_LE(since_begin(), 1min + 2ms);
  });
  hosts.world.run_for(1min);
  EXPECT_TRUE(hosts.a.running());
  hosts.network.set_lookups(hosts.a, sim::Lookups::answered);
  run_to_the_end(hosts.world);
}

// Nothing can stop a lookup that has begun: the process ends after it.
TEST(SimNetwork, AnAbandonedLookupKeepsTheProcessUntilItEnds) {
  TwoHosts hosts;
  hosts.network.set_lookups(hosts.a, sim::Lookups::hanging);
  bool gave_up = false;
  hosts.a.start([&]() -> Task<> {
    const auto found = co_await within(1ms, resolve("b", 7000));
    gave_up = !found;
  });
  hosts.world.run_for(10s);
  EXPECT_TRUE(gave_up);
  EXPECT_TRUE(hosts.a.running());
  hosts.network.set_lookups(hosts.a, sim::Lookups::answered);
  hosts.world.run_for(2ms);
  EXPECT_FALSE(hosts.a.running());
}

}  // namespace
}  // namespace coracle::net
