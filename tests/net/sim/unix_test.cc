// Unix sockets of a simulated machine: its processes, their deaths, and what stays behind.
#include "net/unix.h"

#include <csignal>
#include <functional>

#include "net/rpc.h"
#include "net/serve.h"
#include "runtime/frame_pool.h"
#include "runtime/sim/sim_process.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

using coracle::sim::SimProcess;

const std::string kPath = "/run/service.sock";

// One machine, on which the server is the main process and the client another one.
struct OneHost {
  explicit OneHost(std::uint64_t seed = 1)
      : world(seed), network(world), host(world.add_host("host")) {}

  SimProcess& start_client(std::function<Task<>()> main) {
    SimProcess& client = host.add_process();
    client.at_end([this](ExitStatus) { client_runs = false; });
    client_runs = true;
    client_main = std::move(main);
    client.start(client_main);
    return client;
  }

  std::function<Task<>()> client_main;  // a coroutine lambda outlives its coroutine
  Simulation world;
  sim::Network network;
  Host& host;
  bool client_runs = false;
};

Task<> accept_and_wait() {
  UnixListener listener = UnixListener::listen(kPath);
  const UnixStream stream = co_await listener.accept();
  co_await sleep_for(24h);
}

Task<> listen_and_wait(std::string path) {
  const UnixListener listener = UnixListener::listen(path);
  co_await sleep_for(24h);
}

Task<> expect_code(std::string path, std::errc expected) {
  const std::error_code code = co_await code_of(UnixStream::connect(path));
  EXPECT_EQ(code, expected);
}

Task<> connect_and_read(Reader& reader) {
  UnixStream stream = co_await UnixStream::connect(kPath);
  co_await reader.read_from(stream);
}

Task<> write_and_read(Reader& reader) {
  UnixStream stream = co_await UnixStream::connect(kPath);
  co_await stream.write("unread");
  co_await reader.read_from(stream);
}

// --- names -------------------------------------------------------------------------------------

TEST(SimUnix, AKilledServerLeavesItsFileToTheNext) {
  OneHost one;
  one.host.start(listen_and_wait, kPath);
  one.world.run_for(1s);
  one.host.crash();
  EXPECT_EQ(one.network.sockets_of(one.host), 0U);
  one.host.start(expect_code, kPath, std::errc::connection_refused);
  one.world.run_for(1s);
  expect_no_failure(one.host);
  one.host.start(listen_and_wait, kPath);
  one.world.run_for(1s);
  expect_no_failure(one.host);
  EXPECT_TRUE(one.host.running());
}

TEST(SimUnix, AServerThatEndsTakesItsFileWithIt) {
  OneHost one;
  one.host.start([]() -> Task<> {
    const UnixListener listener = UnixListener::listen(kPath);
    co_return;
  });
  one.world.run();
  one.host.start(expect_code, kPath, std::errc::no_such_file_or_directory);
  run_to_the_end(one.world);
}

TEST(SimUnix, AMachineThatLostItsPowerKeepsFilesButNoAbstractNames) {
  OneHost one;
  one.host.start([]() -> Task<> {
    const UnixListener file = UnixListener::listen(kPath);
    const UnixListener abstract = UnixListener::listen("@service");
    co_await sleep_for(24h);
  });
  one.world.run_for(1s);
  one.host.crash_machine();
  one.host.start([]() -> Task<> {
    co_await expect_code(kPath, std::errc::connection_refused);
    co_await expect_code("@service", std::errc::connection_refused);
    const UnixListener file = UnixListener::listen(kPath);
    const UnixListener abstract = UnixListener::listen("@service");
  });
  run_to_the_end(one.world);
}

TEST(SimUnix, EachMachineHasItsOwnPaths) {
  TwoHosts hosts;
  hosts.a.start(listen_and_wait, kPath);
  hosts.world.run_for(1s);
  hosts.b.start([]() -> Task<> {
    co_await expect_code(kPath, std::errc::no_such_file_or_directory);
    const UnixListener listener = UnixListener::listen(kPath);
  });
  hosts.world.run_for(1s);
  expect_no_failure(hosts.b);
}

// --- peers -------------------------------------------------------------------------------------

TEST(SimUnix, PeersKnowEachOthersProcess) {
  OneHost one;
  int client_seen = 0;
  int server_seen = 0;
  one.host.start([&]() -> Task<> {
    UnixListener listener = UnixListener::listen(kPath);
    UnixStream stream = co_await listener.accept();
    client_seen = stream.peer_credentials().pid;
    EXPECT_EQ(stream.peer_name(), kPath + " pid=" + std::to_string(client_seen));
  });
  one.world.run_for(1ms);
  const int server_pid = one.host.process()->pid();
  const SimProcess& client = one.start_client([&]() -> Task<> {
    UnixStream stream = co_await UnixStream::connect(kPath);
    server_seen = stream.peer_credentials().pid;
    co_await read_to_end(stream);
  });
  const int client_pid = client.pid();
  run_to_the_end(one.world);
  EXPECT_EQ(client_seen, client_pid);
  EXPECT_EQ(server_seen, server_pid);
  EXPECT_NE(client_seen, server_seen);
}

TEST(SimUnix, BytesTakeAsLongAsOverLoopback) {
  OneHost one;
  Duration took{};
  one.host.start([&]() -> Task<> {
    UnixListener listener = UnixListener::listen(kPath);
    UnixStream client = co_await UnixStream::connect(kPath);
    UnixStream server = co_await listener.accept();
    const TimePoint begin = now();
    co_await client.write("there");
    static_cast<void>(co_await read_once(server));
    took = now() - begin;
  });
  run_to_the_end(one.world);
  EXPECT_GE(took, 10us);
  EXPECT_LE(took, 30us);
}

// --- deaths ------------------------------------------------------------------------------------

TEST(SimUnix, DeathOfAProcessEndsItsConnections) {
  OneHost one;
  Reader reader;
  one.host.start(accept_and_wait);
  one.world.run_for(1ms);
  one.start_client([&] { return connect_and_read(reader); });
  one.world.run_for(1s);
  EXPECT_FALSE(reader.ended);
  one.host.crash();
  one.world.run_for(1ms);
  EXPECT_TRUE(reader.ended);
  EXPECT_EQ(reader.code, std::error_code());
  EXPECT_EQ(one.network.connections(), 0U);
}

TEST(SimUnix, DeathOfAProcessThatHadNotReadAllIsAReset) {
  OneHost one;
  Reader reader;
  one.host.start(accept_and_wait);
  one.world.run_for(1ms);
  one.start_client([&] { return write_and_read(reader); });
  one.world.run_for(1s);
  one.host.crash();
  one.world.run_for(1ms);
  EXPECT_EQ(reader.code, std::errc::connection_reset);
}

TEST(SimUnix, DeathOfAServerResetsWhatItHadNotAccepted) {
  OneHost one;
  Reader reader;
  one.host.start(listen_and_wait, kPath);
  one.world.run_for(1ms);
  one.start_client([&] { return connect_and_read(reader); });
  one.world.run_for(1s);
  EXPECT_FALSE(reader.ended);
  one.host.crash();
  one.world.run_for(1ms);
  EXPECT_EQ(reader.code, std::errc::connection_reset);
}

TEST(SimUnix, DeathOfAWriterLeavesWhatItsKernelHasTaken) {
  OneHost one;
  Reader reader;
  one.host.start([&]() -> Task<> {
    UnixListener listener = UnixListener::listen(kPath);
    UnixStream stream = co_await listener.accept();
    co_await sleep_for(2s);
    co_await reader.read_from(stream);
  });
  one.world.run_for(1ms);
  const std::string sent = pattern(1024 * 1024);
  SimProcess& client = one.start_client([&]() -> Task<> {
    UnixStream stream = co_await UnixStream::connect(kPath);
    co_await stream.write(sent);
  });
  one.world.run_for(1s);
  one.host.kill(client, SIGKILL);
  run_to_the_end(one.world);
  EXPECT_EQ(reader.text.size(), 208U * 1024);
  EXPECT_TRUE(sent.starts_with(reader.text));
  EXPECT_EQ(reader.code, std::error_code()) << "as in reality: nothing tells that there was more";
}

// --- the sweep ---------------------------------------------------------------------------------

Task<int> sum(int a, int b) { co_return a + b; }

Task<> serve_calls() {
  UnixListener listener = UnixListener::listen(kPath, {.backlog = 0});
  RpcServer server;
  server.handle("sum", sum);
  const auto handler = [&server](UnixStream peer) { return server.serve(std::move(peer)); };
  static_cast<void>(co_await within(1s, serve(listener, handler)));
}

Task<> call() {
  UnixStream stream = co_await UnixStream::connect(kPath);
  RpcClient client(std::move(stream));
  const int result = co_await client.call<int>("sum", 1, 2);
  EXPECT_EQ(result, 3);
}

Task<> call_twice_at_once() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("call", call);
    group.spawn("call", call);
    co_return;
  });
}

Task<> read_all_of_one() {
  UnixListener listener = UnixListener::listen(kPath);
  auto stream = co_await within(1s, listener.accept());
  if (!stream) co_return;
  co_await sleep_for(2ms);
  const std::string sent = pattern(500'000);
  const std::string text = co_await read_to_end(*stream);
  EXPECT_TRUE(sent.starts_with(text));
}

Task<> write_and_leave() {
  UnixStream stream = co_await UnixStream::connect(kPath);
  const std::string sent = pattern(500'000);
  static_cast<void>(co_await within(1ms, stream.write(sent)));
}

Task<> ignore_errors(Task<> (*main)()) {
  try {
    co_await main();
  } catch (const Error&) {  // the other one has died
  }
}

enum class Victim : std::uint8_t { server, client, machine };

// Returns    false if the scenario ended before that many steps.
bool run_with_death(Task<> (*server)(), Task<> (*client)(), Victim victim, int steps) {
  const std::size_t frames = FramePool::live_frames();
  bool reached = true;
  {
    OneHost one;
    one.host.start(ignore_errors, server);
    one.world.run_for(1us);
    SimProcess& other = one.start_client([&] { return ignore_errors(client); });
    for (int step = 0; step < steps && one.client_runs; ++step) one.world.step();
    reached = one.client_runs;
    if (reached && victim == Victim::server) one.host.crash();
    if (reached && victim == Victim::client) one.host.kill(other, SIGKILL);
    if (reached && victim == Victim::machine) one.host.crash_machine();
    const auto ended = [&] { return !one.host.running() && !one.client_runs; };
    EXPECT_TRUE(one.world.run_until(ended, 1h));
    expect_no_failure(one.host);
    one.world.run_for(1s);
    EXPECT_EQ(one.network.connections(), 0U);
    EXPECT_EQ(one.network.sockets_of(one.host), 0U);
  }
  EXPECT_EQ(FramePool::live_frames(), frames);
  return reached;
}

void sweep(Task<> (*server)(), Task<> (*client)()) {
  for (const Victim victim : {Victim::server, Victim::client, Victim::machine}) {
    int steps = 0;
    while (run_with_death(server, client, victim, steps)) {
      ++steps;
      ASSERT_FALSE(testing::Test::HasFailure()) << "after " << steps << " steps";
    }
    EXPECT_GT(steps, 5);
  }
}

TEST(SimUnixSweep, Calls) { sweep(serve_calls, call_twice_at_once); }
TEST(SimUnixSweep, Linger) { sweep(read_all_of_one, write_and_leave); }

TEST(SimUnix, ASeedMeansTheSameEachTime) {
  const auto hash_of = [](std::uint64_t seed) {
    OneHost one(seed);
    one.host.start(serve_calls);
    one.world.run_for(1us);
    one.start_client(call_twice_at_once);
    one.world.run_for(2s);
    EXPECT_EQ(count_events(one.world, "delivered"), 4);
    return one.world.trace_hash();
  };
  EXPECT_EQ(hash_of(1), hash_of(1));
  EXPECT_NE(hash_of(1), hash_of(2));
}

}  // namespace
}  // namespace coracle::net
