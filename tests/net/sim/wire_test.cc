// What a simulated wire does to the bytes of a connection, and what the kernels do about it.
#include <cerrno>
#include <functional>
#include <set>
#include <vector>

#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

constexpr std::size_t kMegabyte = 1024 * 1024;

// A program that connects, writes, and goes; the kernel does the rest.
Task<> connect_and_write(Address address, std::string text) {
  TcpStream stream = co_await TcpStream::connect(address);
  co_await stream.write(text);
  co_await stream.finish();
}

// A client of `b` that has connected and waits. What it does is told by what is set here.
struct Client {
  std::string to_write;
  bool may_write = false;
  std::error_code code{};
  Duration finished{};
  bool ended = false;

  Task<> run(Address address) {
    TcpStream stream = co_await TcpStream::connect(address);
    while (!may_write) co_await sleep_for(100us);
    try {
      co_await stream.write(to_write);
      co_await stream.finish();
    } catch (const Error& error) {
      code = error.code();
    }
    finished = since_begin();
    ended = true;
  }
};

// Both have connected at this time, and nothing is under way.
constexpr Duration kConnected = 10ms;

// --- delay and order ---------------------------------------------------------------------------

TEST(SimWire, KeepsTheOrderWhateverTheDelays) {
  TwoHosts hosts(3);
  hosts.network.link(hosts.a, hosts.b, {.latency = {0us, 5ms, 2ms}});
  const std::string sent = pattern(3 * kMegabyte);
  Reader reader;
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start(connect_and_write, hosts.at_b, sent);
  run_to_the_end(hosts.world);
  expect_equal_bytes(reader.text, sent);
}

// What was sent in one call arrives in parts, and what was sent in several may arrive at once.
TEST(SimWire, DeliversInParts) {
  TwoHosts hosts;
  hosts.network.link(hosts.a, hosts.b, {.latency = {100us, 5ms}});
  std::set<std::size_t> sizes;
  hosts.b.start([&]() -> Task<> {
    TcpStream stream = co_await accept_at(hosts.at_b);
    for (;;) {
      const std::string part = co_await read_once(stream, 64 * 1024);
      if (part.empty()) co_return;
      sizes.insert(part.size());
    }
  });
  hosts.a.start(connect_and_write, hosts.at_b, pattern(200'000));
  run_to_the_end(hosts.world);
  EXPECT_GT(sizes.size(), 1U);
  EXPECT_LT(*sizes.begin(), 64U * 1024);
}

TEST(SimWire, SharesItsBandwidth) {
  TwoHosts hosts;
  hosts.network.link(hosts.a, hosts.b, {.bytes_per_second = 1'000'000});
  Reader readers[2];
  hosts.b.start([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(hosts.at_b);
    TcpStream one = co_await listener.accept();
    TcpStream two = co_await listener.accept();
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("one", [&] { return readers[0].read_from(one); });
      group.spawn("two", [&] { return readers[1].read_from(two); });
      co_return;
    });
  });
  hosts.a.start([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("one", connect_and_write, hosts.at_b, pattern(500'000));
      group.spawn("two", connect_and_write, hosts.at_b, pattern(500'000));
      co_return;
    });
  });
  run_to_the_end(hosts.world);
  const Duration last = std::max(readers[0].last, readers[1].last);
  EXPECT_GT(last, 1s);
  EXPECT_LT(last, 1100ms);
  EXPECT_GT(std::min(readers[0].last, readers[1].last), 700ms) << "none waits for all of the other";
}

// --- loss --------------------------------------------------------------------------------------

// The first attempt is lost, and the first retransmission, 200 ms later; the second comes 400 ms
// after that.
TEST(SimWire, SendsAgainWhatWasLost) {
  TwoHosts hosts;
  hosts.set_latency(1ms);
  Reader reader;
  Client client{.to_write = "x"};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(kConnected);
  hosts.network.link_one_way(hosts.a, hosts.b, {.latency = exactly(1ms), .loss = 1});
  client.may_write = true;
  hosts.world.run_for(300ms);
  EXPECT_EQ(hosts.network.counters().segments_lost, 2U);
  hosts.set_latency(1ms);
  run_to_the_end(hosts.world);
  EXPECT_EQ(reader.text, "x");
  EXPECT_GE(reader.last, kConnected + 600ms);
  EXPECT_LT(reader.last, kConnected + 620ms);
}

TEST(SimWire, LosesNothingForGood) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    TwoHosts hosts(seed);
    hosts.network.link(hosts.a, hosts.b, {.loss = 0.05, .duplication = 0.05});
    const std::string sent = pattern(2 * kMegabyte);
    Reader reader;
    hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
    hosts.a.start(connect_and_write, hosts.at_b, sent);
    run_to_the_end(hosts.world);
    expect_equal_bytes(reader.text, sent);
    EXPECT_GT(hosts.network.counters().segments_lost, 0U);
    EXPECT_GT(hosts.network.counters().segments_duplicate, 0U);
    hosts.world.run_for(10min);  // the last acknowledgements may be lost too
    EXPECT_EQ(hosts.network.connections(), 0U);
  }
}

// --- cut cables --------------------------------------------------------------------------------

// After 200, 600, 1400 ms the sender tries; the cable is mended after a second.
TEST(SimWire, GoesOnAtTheNextRetransmissionAfterAHeal) {
  TwoHosts hosts;
  Reader reader;
  Client client{.to_write = "x"};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(kConnected);
  hosts.network.partition({&hosts.a}, {&hosts.b});
  EXPECT_TRUE(hosts.network.is_cut(hosts.a, hosts.b));
  EXPECT_TRUE(hosts.network.is_cut(hosts.b, hosts.a));
  client.may_write = true;
  hosts.world.run_for(1s);
  EXPECT_EQ(reader.text, "");
  hosts.network.heal();
  EXPECT_FALSE(hosts.network.is_cut(hosts.a, hosts.b));
  run_to_the_end(hosts.world);
  EXPECT_EQ(reader.text, "x");
  EXPECT_GE(reader.last, kConnected + 1400ms);
  EXPECT_LT(reader.last, kConnected + 1420ms);
}

TEST(SimWire, LosesWhatIsUnderWayWhenTheCableIsCut) {
  TwoHosts hosts;
  hosts.set_latency(5ms);
  Reader reader;
  Client client{.to_write = pattern(100'000)};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(50ms);
  client.may_write = true;
  hosts.world.run_for(2ms);
  hosts.network.cut(hosts.a, hosts.b);
  hosts.world.run_for(20ms);
  EXPECT_EQ(reader.text, "");
  hosts.network.mend(hosts.a, hosts.b);
  run_to_the_end(hosts.world);
  expect_equal_bytes(reader.text, client.to_write);
  EXPECT_GT(reader.last, 250ms);
}

// Data arrives, but the sender is not told: it sends again, and the receiver drops the second one.
TEST(SimWire, ACutOfTheWayBackHidesTheAcknowledgements) {
  TwoHosts hosts;
  Reader reader;
  Client client{.to_write = "x"};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(kConnected);
  hosts.network.cut(hosts.b, hosts.a);
  client.may_write = true;
  hosts.world.run_for(1s);
  EXPECT_EQ(reader.text, "x");
  EXPECT_LT(reader.last, kConnected + 2ms);
  EXPECT_FALSE(client.ended);
  EXPECT_EQ(hosts.network.counters().segments_duplicate, 2U);
  hosts.network.mend(hosts.b, hosts.a);
  run_to_the_end(hosts.world);
  EXPECT_EQ(client.code, std::error_code());
  EXPECT_GE(client.finished, kConnected + 1400ms);
  EXPECT_EQ(reader.text, "x");
}

// The receiver has it and has said so, but that was under way in the cable.
TEST(SimWire, LosesTheAcknowledgementsThatAreUnderWay) {
  TwoHosts hosts;
  hosts.set_latency(5ms);
  Reader reader;
  Client client{.to_write = "x"};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(50ms);
  client.may_write = true;
  hosts.world.run_for(8ms);
  EXPECT_EQ(reader.text, "x");
  hosts.network.cut(hosts.b, hosts.a);
  hosts.network.mend(hosts.b, hosts.a);
  hosts.world.run_for(150ms);
  EXPECT_FALSE(client.ended);
  run_to_the_end(hosts.world);
  EXPECT_GT(hosts.network.counters().segments_duplicate, 0U);
  EXPECT_GT(client.finished, 250ms);
}

// Fifteen retransmissions, the last waits 120 s: 924.6 s (Linux, tcp_retries2).
TEST(SimWire, GivesUpAfterFifteenRetransmissions) {
  TwoHosts hosts;
  Reader reader;
  Client client{.to_write = "x"};
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.a.start([&] { return client.run(hosts.at_b); });
  hosts.world.run_for(kConnected);
  hosts.network.cut(hosts.a, hosts.b);
  client.may_write = true;
  hosts.world.run_for(924s);
  EXPECT_FALSE(client.ended);
  hosts.world.run_for(2s);
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.code, std::errc::timed_out);
  EXPECT_EQ(hosts.network.counters().segments_retransmitted, 15U);
  EXPECT_EQ(count_events(hosts.world, "timed_out"), 1);
  EXPECT_FALSE(reader.ended) << "nobody has told the reader";
}

// --- windows -----------------------------------------------------------------------------------

// The kernels hold 256 KiB each, the stream 64 KiB.
TEST(SimWire, APeerThatDoesNotReadStopsTheSender) {
  TwoHosts hosts;
  bool may_read = false;
  Reader reader;
  hosts.b.start([&]() -> Task<> {
    TcpStream stream = co_await accept_at(hosts.at_b);
    while (!may_read) co_await sleep_for(1ms);
    co_await reader.read_from(stream);
  });
  const std::string block = pattern(16 * 1024);
  std::size_t accepted = 0;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    for (int i = 0; i < 100; ++i) {
      co_await stream.write(block);
      accepted += block.size();
    }
  });
  hosts.world.run_for(10s);
  EXPECT_EQ(accepted, 2U * 256 * 1024 + 64 * 1024);
  const std::uint64_t sent = hosts.network.counters().segments_sent;
  hosts.world.run_for(10s);
  EXPECT_EQ(hosts.network.counters().segments_sent, sent) << "it waits, it does not try";
  may_read = true;
  run_to_the_end(hosts.world);
  EXPECT_EQ(reader.text.size(), 100 * block.size());
}

// The receiver has read, but the sender was not told: it asks for the window, as a persist timer
// does.
TEST(SimWire, ALostWindowUpdateIsAskedFor) {
  TwoHosts hosts;
  bool may_read = false;
  Reader reader;
  hosts.b.start([&]() -> Task<> {
    TcpStream stream = co_await accept_at(hosts.at_b);
    while (!may_read) co_await sleep_for(1ms);
    co_await reader.read_from(stream);
  });
  const std::string sent = pattern(kMegabyte);
  hosts.a.start(connect_and_write, hosts.at_b, sent);
  hosts.world.run_for(1s);
  hosts.network.cut(hosts.b, hosts.a);
  may_read = true;
  hosts.world.run_for(100ms);
  EXPECT_GT(reader.text.size(), 0U);
  EXPECT_LT(reader.text.size(), sent.size());
  hosts.network.heal();
  run_to_the_end(hosts.world);
  expect_equal_bytes(reader.text, sent);
  EXPECT_LT(reader.last, 1s + 400ms);
}

TEST(SimWire, AZeroWindowIsNoSilence) {
  TwoHosts hosts;
  hosts.b.start([&]() -> Task<> {
    const TcpStream stream = co_await accept_at(hosts.at_b);
    co_await sleep_for(30min);
  });
  std::error_code code;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    const std::string sent = pattern(kMegabyte);
    code = co_await code_of(within(25min, stream.write(sent)));
  });
  hosts.world.run_for(1s);
  hosts.network.cut(hosts.b, hosts.a);  // has it ask for the window once
  hosts.world.run_for(1s);
  hosts.network.heal();
  hosts.world.run_for(20min);
  EXPECT_EQ(count_events(hosts.world, "timed_out"), 0);
  hosts.world.run_for(10min);
  EXPECT_EQ(code, std::error_code());
}

// --- the end -----------------------------------------------------------------------------------

TEST(SimWire, AProcessWaitsForItsLingeringStreams) {
  TwoHosts hosts;
  hosts.network.link(hosts.a, hosts.b, {.bytes_per_second = 1'000'000});
  const std::string sent = pattern(1'200'000);
  Reader reader;
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  bool destroyed = false;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    destroyed = true;
  });
  hosts.world.run_for(1100ms);
  EXPECT_TRUE(destroyed);
  EXPECT_TRUE(hosts.a.running());
  run_to_the_end(hosts.world);
  expect_equal_bytes(reader.text, sent);
  EXPECT_LT(reader.last, 1300ms);
}

// A kernel takes the end of a peer whose stream its own process has left, for a minute.
TEST(SimWire, AClosedConnectionIsForgottenAfterAMinute) {
  for (const Duration pause : {30s, 90s}) {
    TwoHosts hosts;
    hosts.b.start([&]() -> Task<> {
      const TcpStream left = co_await accept_at(hosts.at_b);
      co_await sleep_for(1s);
    });
    hosts.a.start([&]() -> Task<> {
      TcpStream stream = co_await TcpStream::connect(hosts.at_b);
      co_await sleep_for(pause);
      const std::error_code code = co_await code_of(stream.finish());
      EXPECT_EQ(code != std::error_code(), pause > 1min) << code.message();
    });
    run_to_the_end(hosts.world);
    hosts.world.run_for(1s);
    EXPECT_EQ(hosts.network.connections(), 0U);
  }
}

}  // namespace
}  // namespace coracle::net
