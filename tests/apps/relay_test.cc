// What the proxy owes a connection, on virtual time.
#include "apps/relay.h"

#include <csignal>

#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/apps/proxy_world.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using net::pattern;
using net::read_once;
using net::read_to_end;
using net::TcpStream;

Duration since_begin() { return now().time_since_epoch(); }

// When and with what code a connection broke.
struct Break {
  std::error_code code;
  Duration when{};

  Task<> await_in(TcpStream& stream) {
    try {
      const std::string rest = co_await read_to_end(stream);
      ADD_FAILURE() << "an end after " << rest.size() << " bytes";
    } catch (const Error& error) {
      code = error.code();
    }
    when = since_begin();
  }
};

// --- ends --------------------------------------------------------------------------------------

TEST(Relay, PassesTheClientsEndOnWhileTheTargetGoesOn) {
  ProxyWorld world;
  world.start(
      [](TcpStream& stream) -> Task<> {
        const std::string question = co_await read_to_end(stream);
        EXPECT_EQ(question, "question");
        co_await sleep_for(30s);
        co_await stream.write("answer");
      },
      [](TcpStream& stream) -> Task<> {
        co_await stream.write("question");
        co_await stream.finish();
        const std::string answer = co_await read_to_end(stream);
        EXPECT_EQ(answer, "answer");
      });
  world.run_to_the_end();
  world.world.run_for(1s);
  EXPECT_EQ(world.network.sockets_of(world.proxy), 1U) << "the listener";
  world.end_proxy();
  EXPECT_FALSE(world.has_logged("connection_failed"));
}

TEST(Relay, PassesTheTargetsEndOnWhileTheClientGoesOn) {
  ProxyWorld world;
  const std::string large = pattern(1'000'000);
  world.start(
      [&](TcpStream& stream) -> Task<> {
        co_await stream.write("go on");
        co_await stream.finish();
        const std::string received = co_await read_to_end(stream);
        net::expect_equal_bytes(received, large);
      },
      [&](TcpStream& stream) -> Task<> {
        const std::string greeting = co_await read_to_end(stream);
        EXPECT_EQ(greeting, "go on");
        co_await stream.write(large);
        co_await stream.finish();
      });
  world.run_to_the_end();
  world.end_proxy();
  EXPECT_FALSE(world.has_logged("connection_failed"));
}

Task<> reset_after_a_second(TcpStream& stream) {
  co_await sleep_for(1s);
  stream.reset();
}

TEST(Relay, PassesAResetOnBothWays) {
  for (const bool by_client : {true, false}) {
    ProxyWorld world;
    Break seen;
    const auto see = [&](TcpStream& stream) { return seen.await_in(stream); };
    if (by_client) {
      world.start(see, reset_after_a_second);
    } else {
      world.start(reset_after_a_second, see);
    }
    world.run_to_the_end();
    EXPECT_EQ(seen.code, std::errc::connection_reset);
    EXPECT_LT(seen.when, 1010ms);
    EXPECT_TRUE(world.has_logged("connection_failed error=\"read 10.0.0."));
    world.end_proxy();
  }
}

// The end of one direction is no promise about the other.
TEST(Relay, PassesAResetOnAfterAnEnd) {
  ProxyWorld world;
  Break seen;
  world.start(
      [](TcpStream& stream) -> Task<> {
        const std::string question = co_await read_to_end(stream);
        EXPECT_EQ(question, "question");
        co_await stream.write("half an ans");
        co_await sleep_for(1s);
        stream.reset();
      },
      [&](TcpStream& stream) -> Task<> {
        co_await stream.write("question");
        co_await stream.finish();
        co_await seen.await_in(stream);
      });
  world.run_to_the_end();
  EXPECT_EQ(seen.code, std::errc::connection_reset);
  world.end_proxy();
}

// --- the target --------------------------------------------------------------------------------

TEST(Relay, ResetsTheClientOfATargetThatRefuses) {
  ProxyWorld world;
  Break seen;
  world.client.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(world.at_proxy);
    co_await seen.await_in(stream);
  });
  world.run_to_the_end();
  EXPECT_EQ(seen.code, std::errc::connection_reset);
  EXPECT_TRUE(
      world.has_logged("connection_failed error=\"connect 10.0.0.3:9000: Connection refused\""));
  world.end_proxy();
}

TEST(Relay, GivesASilentTargetAsMuchTimeAsAnIdleConnection) {
  ProxyWorld world({.idle_timeout = 10s});
  world.target.crash_machine();
  Break seen;
  world.client.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(world.at_proxy);
    co_await seen.await_in(stream);
  });
  EXPECT_TRUE(world.world.run_until([&] { return !world.client.running(); }, 1min));
  EXPECT_EQ(seen.code, std::errc::connection_reset);
  EXPECT_GE(seen.when, 10s);
  EXPECT_LT(seen.when, 10010ms);
  world.end_proxy();
}

// --- idleness ----------------------------------------------------------------------------------

TEST(Relay, BreaksAConnectionOverWhichNothingMoves) {
  ProxyWorld world({.idle_timeout = 10s});
  Break client;
  Break target;
  world.start([&](TcpStream& stream) { return target.await_in(stream); },
              [&](TcpStream& stream) -> Task<> {
                co_await sleep_for(5s);
                co_await stream.write("last words");
                co_await client.await_in(stream);
              });
  world.run_to_the_end();
  for (const Break& seen : {client, target}) {
    EXPECT_EQ(seen.code, std::errc::connection_reset);
    EXPECT_GE(seen.when, 15s);
    EXPECT_LT(seen.when, 15010ms);
  }
  EXPECT_TRUE(world.has_logged("\"relay to 10.0.0.3:9000: Connection timed out\""));
  world.end_proxy();
}

Task<> write_every(TcpStream& stream, Duration pause, int times) {
  for (int i = 0; i < times; ++i) {
    co_await sleep_for(pause);
    co_await stream.write("x");
  }
  co_await stream.finish();
}

Task<> read_and_finish(TcpStream& stream, std::size_t expected) {
  const std::string received = co_await read_to_end(stream);
  EXPECT_EQ(received.size(), expected);
  co_await stream.finish();
}

TEST(Relay, CountsWhatMovesInEitherDirection) {
  for (const bool client_talks : {true, false}) {
    ProxyWorld world({.idle_timeout = 10s});
    const auto talk = [](TcpStream& stream) { return write_every(stream, 9s, 10); };
    const auto listen = [](TcpStream& stream) { return read_and_finish(stream, 10); };
    if (client_talks) {
      world.start(listen, talk);
    } else {
      world.start(talk, listen);
    }
    world.run_to_the_end();
    world.end_proxy();
    EXPECT_FALSE(world.has_logged("connection_failed"));
  }
}

// All of it is in the proxy's kernel long before the target has it.
TEST(Relay, DoesNotTakeASlowReaderForAnIdleOne) {
  ProxyWorld world({.idle_timeout = 5s});
  world.network.link(world.proxy, world.target, {.bytes_per_second = 10'000});
  const std::string sent = pattern(200'000);
  world.start(
      [&](TcpStream& stream) -> Task<> {
        const std::string received = co_await read_to_end(stream);
        net::expect_equal_bytes(received, sent);
        EXPECT_GT(since_begin(), 19s);
      },
      [&](TcpStream& stream) -> Task<> {
        co_await stream.write(sent);
        co_await stream.finish();
        const std::string nothing = co_await read_to_end(stream);
        EXPECT_EQ(nothing, "");
      });
  world.run_to_the_end();
  world.end_proxy();
  EXPECT_FALSE(world.has_logged("connection_failed"));
}

TEST(Relay, BreaksAConnectionWhoseReaderHasStopped) {
  ProxyWorld world({.idle_timeout = 5s});
  Break seen;
  world.start([](TcpStream& /*unread*/) -> Task<> { co_await sleep_for(30s); },
              [&](TcpStream& stream) -> Task<> {
                const std::string large = pattern(8'000'000);
                const std::string error = co_await net::error_of(stream.write(large));
                EXPECT_NE(error.find("Connection reset by peer"), error.npos) << error;
                seen.when = since_begin();
              });
  world.run_to_the_end();
  EXPECT_GE(seen.when, 5s);
  EXPECT_LT(seen.when, 11s) << "looked at twice: something was under way";
  world.end_proxy();
}

TEST(Relay, WaitsForEverWithoutATimeout) {
  ProxyWorld world({.idle_timeout = Duration::max()});
  world.start([](TcpStream& stream) { return read_and_finish(stream, 1); },
              [](TcpStream& stream) { return write_every(stream, 30min, 1); });
  world.run_to_the_end();
  world.end_proxy();
}

// --- backpressure ------------------------------------------------------------------------------

TEST(Relay, HoldsAWriterUpWhoseReaderDoesNotRead) {
  constexpr std::size_t kKernels = 4 * 256 * 1024;  // what four buffers of kernels take
  constexpr std::size_t kStreams = 2 * 64 * 1024;   // what writers may be ahead of their kernels
  constexpr std::size_t kReading = 64 * 1024 + 16 * 1024;  // of the proxy
  ProxyWorld world;
  std::size_t accepted = 0;
  const std::string block = pattern(8192);
  world.start(
      [&](TcpStream& stream) -> Task<> {
        co_await sleep_for(10s);
        const std::string all = co_await read_to_end(stream);
        EXPECT_EQ(all.size(), accepted);
      },
      [&](TcpStream& stream) -> Task<> {
        while (co_await within(5s, stream.write(block))) accepted += block.size();
        EXPECT_LE(accepted, kKernels + kStreams + kReading);
        EXPECT_GT(accepted, kKernels);
        accepted += block.size();  // a canceled write is accepted whole
        co_await stream.finish();
      });
  world.run_to_the_end();
  world.end_proxy();
}

// --- drain -------------------------------------------------------------------------------------

TEST(Relay, LetsConnectionsFinishWhenItIsAskedToEnd) {
  ProxyWorld world({.drain = 10s});
  world.start([](TcpStream& stream) { return read_and_finish(stream, 5); },
              [](TcpStream& stream) { return write_every(stream, 1s, 5); });
  world.world.run_for(1500ms);
  world.proxy.signal(SIGINT);
  world.world.run_for(1ms);
  world.run_to_the_end();
  world.world.run_for(100ms);
  EXPECT_FALSE(world.proxy.running()) << "it does not wait for longer than it must";
  EXPECT_LT(world.world.now().time_since_epoch(), 6s);
  world.end_proxy();
}

TEST(Relay, BreaksOffWhatHasNotFinishedByThen) {
  ProxyWorld world({.drain = 2s});
  Break client;
  Break target;
  world.start([&](TcpStream& stream) { return target.await_in(stream); },
              [&](TcpStream& stream) { return client.await_in(stream); });
  world.world.run_for(1s);
  world.proxy.signal(SIGINT);
  world.run_to_the_end();
  for (const Break& seen : {client, target}) {
    EXPECT_EQ(seen.code, std::errc::connection_reset);
    EXPECT_GE(seen.when, 3s);
    EXPECT_LT(seen.when, 3010ms);
  }
  world.end_proxy();
}

}  // namespace
}  // namespace coracle
