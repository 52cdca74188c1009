// What a simulated network does to datagrams.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/udp.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

// Everything that arrives at one address, in its order.
struct Listener {
  std::vector<std::string> texts;
  std::vector<Address> senders;

  Task<> run(Address address, UdpOptions options, bool joins) {
    UdpSocket socket = UdpSocket::bind(address, options);
    if (joins) socket.join(Address::from("239.1.2.3:0"));
    for (;;) {
      std::string text(2000, '\0');
      const ReceivedDatagram received = co_await socket.receive(bytes_of(text));
      text.resize(received.bytes);
      texts.push_back(text);
      senders.push_back(received.from);
    }
  }
  void start(Host& host, Address address, UdpOptions options = {}, bool joins = false) {
    host.start(&Listener::run, this, address, options, joins);
  }
};

// Sends `0`, `1`, ... and goes.
Task<> send_numbers(Address to, int count, Duration pause) {
  UdpSocket socket = UdpSocket::bind(Address());
  socket.set_broadcast(true);
  for (int i = 0; i < count; ++i) {
    co_await socket.send(std::to_string(i), to);
    if (pause > 0ns) co_await sleep_for(pause);
  }
}

TEST(SimDatagrams, OvertakeEachOther) {
  TwoHosts hosts(5);
  hosts.network.link(hosts.a, hosts.b, {.latency = {1ms, 9ms}});
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.a.start(send_numbers, hosts.at_b, 100, 0ns);
  hosts.world.run_for(1s);
  ASSERT_EQ(listener.texts.size(), 100U);
  EXPECT_FALSE(std::ranges::is_sorted(listener.texts, {},
                                      [](const std::string& text) { return std::stoi(text); }));
  EXPECT_EQ(std::set<std::string>(listener.texts.begin(), listener.texts.end()).size(), 100U);
}

TEST(SimDatagrams, AreLostAndDoubled) {
  TwoHosts hosts(7);
  hosts.network.link(hosts.a, hosts.b, {.loss = 0.2, .duplication = 0.1});
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.a.start(send_numbers, hosts.at_b, 1000, 1ms);
  hosts.world.run_for(10s);
  const sim::Counters& counters = hosts.network.counters();
  EXPECT_EQ(counters.datagrams_sent, 1000U);
  EXPECT_NEAR(static_cast<double>(counters.datagrams_lost), 200, 50);
  EXPECT_NEAR(static_cast<double>(counters.datagrams_duplicated), 80, 30);
  EXPECT_EQ(listener.texts.size(), 1000 - counters.datagrams_lost + counters.datagrams_duplicated);
  EXPECT_EQ(counters.datagrams_delivered, listener.texts.size());
}

TEST(SimDatagrams, WaitForTheBandwidth) {
  TwoHosts hosts;
  hosts.network.link(hosts.a, hosts.b, {.latency = exactly(1ms), .bytes_per_second = 1000});
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.a.start(send_numbers, hosts.at_b, 10, 0ns);  // a byte each
  hosts.world.run_for(5ms);
  EXPECT_EQ(listener.texts.size(), 4U);
  hosts.world.run_for(6ms);
  EXPECT_EQ(listener.texts.size(), 10U);
}

TEST(SimDatagrams, AreLostOnACutCable) {
  TwoHosts hosts;
  hosts.set_latency(10ms);
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.a.start(send_numbers, hosts.at_b, 30, 1ms);
  hosts.world.run_for(15'500us);  // 0 to 5 have arrived, 6 to 15 are under way
  hosts.network.cut(hosts.a, hosts.b);
  hosts.world.run_for(5ms);  // 16 to 20 are sent
  hosts.network.heal();
  hosts.world.run_for(1s);
  EXPECT_EQ(listener.texts.size(), 15U);
  EXPECT_EQ(listener.texts[5], "5");
  EXPECT_EQ(listener.texts[6], "21");
  EXPECT_EQ(hosts.network.counters().datagrams_cut, 15U);
}

TEST(SimDatagrams, AreUnheardByADeadMachine) {
  TwoHosts hosts;
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.world.run_for(1ms);
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 1U);
  hosts.b.crash_machine();
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 0U);
  hosts.a.start(send_numbers, hosts.at_b, 10, 1ms);
  hosts.world.run_for(1s);
  EXPECT_EQ(hosts.network.counters().datagrams_unheard, 10U);
  EXPECT_TRUE(listener.texts.empty());
}

// Asks once, and keeps what its receive throws.
Task<> ask(Address server, std::error_code& code) {
  UdpSocket socket = UdpSocket::connect(server);
  co_await socket.send("question");
  std::array<std::byte, 100> buffer;
  code = co_await code_of(with_timeout(1s, socket.receive(buffer)));
}

TEST(SimDatagrams, ADeadProcessIsTold) {
  TwoHosts hosts;
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.world.run_for(1ms);
  hosts.b.crash();
  std::error_code code;
  hosts.a.start(ask, hosts.at_b, std::ref(code));
  run_to_the_end(hosts.world);
  EXPECT_EQ(code, std::errc::connection_refused);
}

TEST(SimDatagrams, AnICMPMessageCanBeLost) {
  TwoHosts hosts;
  hosts.network.cut(hosts.b, hosts.a);
  std::error_code code;
  hosts.a.start(ask, hosts.at_b, std::ref(code));
  run_to_the_end(hosts.world);
  EXPECT_EQ(code, std::errc::timed_out);
}

TEST(SimDatagrams, AFirewallAnswers) {
  TwoHosts hosts;
  Listener listener;
  listener.start(hosts.b, hosts.at_b);
  hosts.network.reject(hosts.a, hosts.b);
  std::error_code code;
  hosts.a.start(ask, hosts.at_b, std::ref(code));
  hosts.world.run_for(2s);
  EXPECT_EQ(code, std::errc::connection_refused);
  EXPECT_TRUE(listener.texts.empty());
}

TEST(SimDatagrams, ReachAGroupOnAllHosts) {
  TwoHosts hosts;
  Host& c = hosts.world.add_host("c");
  const Address any = Address::from("0.0.0.0:7000");
  Listener at_a;
  Listener at_b;
  Listener at_c;
  Listener stranger;
  at_a.start(hosts.a, any, {}, /*joins=*/true);
  at_b.start(hosts.b, any, {}, /*joins=*/true);
  at_c.start(c, any);
  hosts.world.run_for(1ms);
  Host& d = hosts.world.add_host("d");
  d.start(send_numbers, Address::from("239.1.2.3:7000"), 3, 1ms);
  hosts.world.run_for(1s);
  const std::vector<std::string> all{"0", "1", "2"};
  EXPECT_EQ(at_a.texts, all);
  EXPECT_EQ(at_b.texts, all);
  EXPECT_TRUE(at_c.texts.empty()) << "it has not joined";
  EXPECT_EQ(at_a.senders.front().with_port(0), sim::Network::address_of(d, 0));
}

// One's own machine hears them unless told otherwise; with a TTL of 0 nobody else does.
TEST(SimDatagrams, ReachAGroupAsFarAsTheirSenderWants) {
  TwoHosts hosts;
  const Address any = Address::from("0.0.0.0:7000");
  const Address group = Address::from("239.1.2.3:7000");
  Listener at_b;
  at_b.start(hosts.b, any, {}, /*joins=*/true);
  Listener at_a;
  hosts.a.start([&]() -> Task<> {
    co_await task_group([&](TaskGroup& listening) -> Task<> {
      listening.spawn("listen", &Listener::run, &at_a, any, UdpOptions{}, true);
      co_await sleep_for(1ms);
      UdpSocket sender = UdpSocket::bind(Address());
      co_await sender.send("to all", group);
      co_await sleep_for(1ms);
      sender.set_multicast_loop(false);
      co_await sender.send("to others", group);
      co_await sleep_for(1ms);
      sender.set_multicast_loop(true);
      sender.set_multicast_ttl(0);
      co_await sender.send("to this machine", group);
    });
  });
  hosts.world.run_for(1s);
  EXPECT_EQ(at_a.texts, (std::vector<std::string>{"to all", "to this machine"}));
  EXPECT_EQ(at_b.texts, (std::vector<std::string>{"to all", "to others"}));
}

TEST(SimDatagrams, ReachEveryone) {
  TwoHosts hosts;
  Listener at_a;
  Listener at_b;
  at_a.start(hosts.a, Address::from("0.0.0.0:7000"));
  at_b.start(hosts.b, Address::from("0.0.0.0:7000"));
  hosts.world.run_for(1ms);
  Host& c = hosts.world.add_host("c");
  c.start(send_numbers, Address::from("10.0.255.255:7000"), 1, 1ms);
  hosts.world.run_for(1s);
  EXPECT_EQ(at_a.texts, std::vector<std::string>{"0"});
  EXPECT_EQ(at_b.texts, std::vector<std::string>{"0"});
}

// All of one sender go to one of those who share the port, and both have something to do.
TEST(SimDatagrams, AreSpreadOverASharedPort) {
  TwoHosts hosts;
  Listener one;
  Listener two;
  hosts.b.start([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      const UdpOptions share{.reuse_port = true};
      group.spawn("one", &Listener::run, &one, hosts.at_b, share, false);
      group.spawn("two", &Listener::run, &two, hosts.at_b, share, false);
      co_return;
    });
  });
  hosts.world.run_for(1ms);
  hosts.a.start([&]() -> Task<> {
    for (int i = 0; i < 20; ++i) co_await send_numbers(hosts.at_b, 3, 1ms);
  });
  hosts.world.run_for(1s);
  EXPECT_EQ(one.texts.size() + two.texts.size(), 60U);
  EXPECT_GT(one.texts.size(), 0U);
  EXPECT_GT(two.texts.size(), 0U);
  for (const Address& sender : one.senders) {
    EXPECT_EQ(std::ranges::count(two.senders, sender), 0) << sender.to_string();
  }
}

TEST(SimDatagrams, EqualSeedsGiveEqualHistories) {
  std::map<std::uint64_t, std::set<std::uint64_t>> hashes;
  for (const std::uint64_t seed : {1U, 1U, 2U, 2U}) {
    TwoHosts hosts(seed);
    hosts.network.link(hosts.a, hosts.b, {.latency = {1ms, 9ms}, .loss = 0.1, .duplication = 0.1});
    Listener listener;
    listener.start(hosts.b, hosts.at_b);
    hosts.a.start(send_numbers, hosts.at_b, 100, 1ms);
    hosts.world.run_for(1s);
    hashes[seed].insert(hosts.world.trace_hash());
  }
  EXPECT_EQ(hashes[1].size(), 1U);
  EXPECT_EQ(hashes[2].size(), 1U);
  EXPECT_NE(hashes[1], hashes[2]);
}

}  // namespace
}  // namespace coracle::net
