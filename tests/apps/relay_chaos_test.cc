// A thousand connections through the proxy, with ends, resets and stalls that a seed decides: what
// arrives is a prefix of what was sent, and whole where an end says so. In a simulated world, whose
// cables fail too, and over real sockets.
#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/serve.h"
#include "runtime/combinators.h"
#include "runtime/frame_pool.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/apps/proxy_world.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using net::TcpStream;

// --- one connection ----------------------------------------------------------------------------

// One end of a connection: what it is going to do, and what came of it.
struct Part {
  Random draw{1};
  std::string bytes;
  std::size_t piece = 1;
  Duration longest_stall{};
  std::optional<Duration> resets_after;

  std::size_t offered = 0;  // bytes given to the stream
  bool finished = false;    // has sent its end
  std::string failure;
  std::string received;
  bool saw_end = false;

  Task<> stall() {
    if (draw.chance(0.1)) co_await sleep_for(draw.between(0ms, longest_stall));
  }

  Task<> send(TcpStream& stream) {
    while (offered < bytes.size()) {
      co_await stall();
      const std::string_view next = std::string_view(bytes).substr(offered, piece);
      offered += next.size();
      co_await stream.write(next);
    }
    finished = true;
    try {
      co_await stream.finish();
    } catch (const Error&) {
      // A kernel that has seen both ends forgets the connection (no TIME_WAIT is simulated), and
      // answers an end that is sent again with a reset. What has arrived is for the peer to say.
    }
  }

  Task<> receive(TcpStream& stream) {
    while (!saw_end) {
      co_await stall();
      const std::string text = co_await net::read_once(stream, piece);
      received += text;
      saw_end = text.empty();
    }
  }

  Task<> talk(TcpStream& stream) { co_await when_all(send(stream), receive(stream)); }

  Task<> play(TcpStream stream) {
    try {
      if (resets_after) {
        static_cast<void>(co_await within(*resets_after, talk(stream)));
        stream.reset();
      } else {
        // A cut may swallow a reset; who only reads is never told.
        co_await with_timeout(10min, talk(stream));
      }
    } catch (const Error& error) {
      failure = error.what();
    }
  }
};

// What the two ends are at most up to.
struct Limits {
  std::size_t bytes;
  Duration stall;
};

constexpr std::size_t kHeaderBytes = 4;  // the number of the connection, which its client sends

struct Exchange {
  Exchange(std::size_t number, Random& random, const Limits& limits) {
    for (Part* part : {&client, &target}) {
      part->draw = Random(random.next());
      const bool is_mute = random.chance(0.2);
      const std::size_t size = is_mute ? 0 : random.below(limits.bytes);
      part->bytes = net::pattern(size, random.next());
      const std::size_t largest = std::size_t{1} << (1 + random.below(16));
      part->piece = 1 + limits.bytes / 500 + random.below(largest);  // not too many pieces
      part->longest_stall = limits.stall;
      if (random.chance(0.15)) part->resets_after = random.between(0ms, 4 * limits.stall);
    }
    client.bytes = fmt::format("{:04}", number) + client.bytes;
  }

  [[nodiscard]] bool has_resets() const { return client.resets_after || target.resets_after; }

  Part client;
  Part target;
};

struct Exchanges {
  Exchanges(std::size_t count, std::uint64_t seed, const Limits& limits) {
    Random random(seed);
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(std::make_unique<Exchange>(i, random, limits));
    }
  }

  // The target's side of whichever connection this is.
  Task<> serve(TcpStream stream) {
    std::string header;
    while (header.size() < kHeaderBytes) {
      const std::string text = co_await net::read_once(stream, kHeaderBytes - header.size());
      if (text.empty()) throw Error(EPIPE, "read", "the header");
      header += text;
    }
    Part& part = all.at(std::stoul(header))->target;
    part.received = header;
    co_await part.play(std::move(stream));
  }

  Task<> connect(std::size_t number, net::Address proxy) {
    Part& part = all[number]->client;
    co_await part.stall();
    try {
      TcpStream stream = co_await TcpStream::connect(proxy);
      co_await part.play(std::move(stream));
    } catch (const Error& error) {
      part.failure = error.what();
    }
  }

  std::vector<std::unique_ptr<Exchange>> all;
};

void expect_prefix(const Part& sender, const Part& receiver) {
  const std::string_view offered = std::string_view(sender.bytes).substr(0, sender.offered);
  ASSERT_LE(receiver.received.size(), offered.size());
  net::expect_equal_bytes(receiver.received, offered.substr(0, receiver.received.size()));
  if (!receiver.saw_end) return;
  EXPECT_TRUE(sender.finished) << "an end that nobody sent";
  EXPECT_EQ(receiver.received.size(), sender.bytes.size()) << "an end before the end";
}

// How many ended in order, both ways.
std::size_t check(const Exchanges& exchanges, bool network_resets) {
  std::size_t whole = 0;
  for (std::size_t i = 0; i < exchanges.all.size(); ++i) {
    SCOPED_TRACE("connection " + std::to_string(i));
    const Exchange& exchange = *exchanges.all[i];
    expect_prefix(exchange.client, exchange.target);
    expect_prefix(exchange.target, exchange.client);
    const bool both_ended = exchange.client.saw_end && exchange.target.saw_end;
    if (both_ended) ++whole;
    if (exchange.has_resets() || network_resets) continue;
    EXPECT_TRUE(both_ended) << "nobody has reset it";
    EXPECT_EQ(exchange.client.failure, "");
    EXPECT_EQ(exchange.target.failure, "");
  }
  return whole;
}

// --- simulated ---------------------------------------------------------------------------------

Task<> serve_exchanges(net::Address at, Exchanges& exchanges) {
  net::TcpListener listener = net::TcpListener::listen(at);
  const auto handler = [&](TcpStream stream) { return exchanges.serve(std::move(stream)); };
  co_await net::serve(listener, handler);
}

Task<> connect_all(Exchanges& exchanges, net::Address proxy) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (std::size_t i = 0; i < exchanges.all.size(); ++i) {
      group.spawn("client", &Exchanges::connect, &exchanges, i, proxy);
    }
    co_return;
  });
}

void cut_or_reset(ProxyWorld& world, bool resets) {
  Random& random = world.world.random();
  sim::Host& end = random.chance(0.5) ? world.client : world.target;
  if (resets && random.chance(0.3)) world.network.reset(end, world.proxy);
  if (random.chance(0.5)) world.network.cut(end, world.proxy);
  if (random.chance(0.5)) world.network.cut(world.proxy, end);
  world.world.run_for(random.between(0ms, 1s));
  world.network.heal();
}

std::size_t run_simulated(std::uint64_t seed) {
  constexpr std::size_t kConnections = 10;
  const bool resets = seed % 2 == 0;
  Exchanges exchanges(kConnections, seed, {.bytes = 400'000, .stall = 500ms});
  ProxyWorld world({}, seed);
  world.network.set_default_link({.loss = 0.005});
  world.target.start(serve_exchanges, world.at_target, std::ref(exchanges));
  world.client.start(connect_all, std::ref(exchanges), world.at_proxy);
  for (int i = 0; i < 20 && world.client.running(); ++i) {
    world.world.run_for(world.world.random().between(0ms, 2s));
    cut_or_reset(world, resets);
  }
  EXPECT_TRUE(world.world.run_until([&] { return !world.client.running(); }, 1h))
      << world.world.tasks();
  world.world.run_for(3min);  // an end that is not known to have arrived, an idle connection
  const std::size_t whole = check(exchanges, resets);
  EXPECT_EQ(world.network.sockets_of(world.proxy), 1U) << "only the listener";
  world.target.signal(SIGINT);
  world.end_proxy();
  return whole;
}

TEST(RelayChaos, OnSimulatedHostsBytesArriveUnharmed) {
  const std::size_t frames = FramePool::live_frames();
  std::size_t whole = 0;
  for (std::uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    whole += run_simulated(seed);
  }
  EXPECT_EQ(FramePool::live_frames(), frames);
  EXPECT_GT(whole, 500U) << "most of them come to their ends";
  EXPECT_LT(whole, 950U) << "and some do not";
}

// --- real --------------------------------------------------------------------------------------

// In rounds, so that a thousand connections do not need all their descriptors at once. Each server
// is left the time to end what there is by itself.
Task<> run_rounds(Exchanges& exchanges, std::size_t at_once) {
  net::TcpListener at_target = net::TcpListener::listen(net::Address::loopback(0));
  net::TcpListener at_proxy = net::TcpListener::listen(net::Address::loopback(0));
  const std::string target = at_target.local_address().to_string();
  const auto handler = [&](TcpStream stream) { return exchanges.serve(std::move(stream)); };
  const net::ServeOptions drains{.drain = 30s};
  const ProxyOptions proxying{.drain = 30s};
  co_await task_group([&](TaskGroup& servers) -> Task<> {
    servers.spawn("target", [&] { return net::serve(at_target, handler, drains); });
    co_await task_group([&](TaskGroup& proxy) -> Task<> {
      proxy.spawn("proxy", [&] { return serve_proxy(at_proxy, target, proxying); });
      for (std::size_t first = 0; first < exchanges.all.size(); first += at_once) {
        co_await task_group([&](TaskGroup& clients) -> Task<> {
          for (std::size_t i = first; i < first + at_once; ++i) {
            clients.spawn("client", &Exchanges::connect, &exchanges, i, at_proxy.local_address());
          }
          co_return;
        });
      }
      proxy.cancel();
    });
    servers.cancel();
  });
}

TEST(RelayChaos, OverRealSocketsBytesArriveUnharmed) {
  constexpr std::size_t kConnections = 1000;
  constexpr std::size_t kAtOnce = 50;
  net::in_loop([]() -> Task<> { co_return; });  // the first loop opens what all of them share
  const sweep::Resources before = sweep::Resources::now();
  Exchanges exchanges(kConnections, 7, {.bytes = 200'000, .stall = 2ms});
  net::in_loop([&] { return run_rounds(exchanges, kAtOnce); });
  const std::size_t whole = check(exchanges, /*network_resets=*/false);
  EXPECT_GT(whole, 600U);
  EXPECT_LT(whole, 950U);
  const sweep::Resources after = sweep::Resources::now();
  EXPECT_EQ(after.frames, before.frames);
  EXPECT_EQ(after.descriptors, before.descriptors);
}

}  // namespace
}  // namespace coracle
