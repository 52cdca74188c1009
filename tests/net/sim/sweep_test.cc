// A scenario between two hosts, in which a process or a machine dies after its k-th step, for every
// k: no frame, socket or connection is left, and the survivor comes to its end.
#include <functional>
#include <string>

#include "net/resolve.h"
#include "net/rpc.h"
#include "net/serve.h"
#include "net/udp.h"
#include "runtime/frame_pool.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

// --- the scenarios -----------------------------------------------------------------------------

Task<> echo(TcpStream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

Task<> serve_echo(Address address) {
  TcpListener listener = TcpListener::listen(address);
  const ServeOptions options{.drain = 10ms};
  static_cast<void>(co_await within(1s, serve(listener, echo, options)));
}

Task<> ask(std::uint16_t port, int number) {
  TcpStream stream = co_await TcpStream::connect("b", port);
  const std::string question = pattern(20'000 * static_cast<std::size_t>(number + 1));
  co_await stream.write(question);
  co_await stream.finish();
  const std::string answer = co_await read_to_end(stream);
  expect_equal_bytes(answer, question);
}

Task<> ask_twice_at_once(std::uint16_t port) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("ask", ask, port, 0);
    group.spawn("ask", ask, port, 1);
    co_return;
  });
}

// Who waits for the bytes of a machine that has gone waits for ever, as in reality: hence the time.
Task<> ask_both(std::uint16_t port) { co_await with_timeout(2s, ask_twice_at_once(port)); }

Task<int> sum(int a, int b) { co_return a + b; }

Task<> serve_calls(Address address) {
  RpcServer server;
  server.handle("sum", sum);
  TcpListener listener = TcpListener::listen(address);
  const auto handler = [&server](TcpStream peer) { return server.serve(std::move(peer)); };
  static_cast<void>(co_await within(1s, serve(listener, handler)));
}

Task<> call(std::uint16_t port) {
  const std::vector<Address> found = co_await resolve("b", port);
  RpcClient client = co_await RpcClient::connect(found.front());
  const int result = co_await client.call<int>("sum", 1, 2);
  EXPECT_EQ(result, 3);
  co_await client.notify("sum", 3, 4);
}

// The writer is canceled, and its stream goes on by itself.
Task<> write_and_leave(std::uint16_t port) {
  TcpStream stream = co_await TcpStream::connect("b", port);
  static_cast<void>(co_await within(1ms, stream.write(pattern(500'000))));
}

Task<> read_late(Address address) {
  TcpListener listener = TcpListener::listen(address);
  auto stream = co_await within(1s, listener.accept());
  if (!stream) co_return;
  co_await sleep_for(2ms);
  const auto text = co_await within(1s, read_to_end(*stream));
  const bool is_beginning = !text || pattern(500'000).starts_with(*text);
  EXPECT_TRUE(is_beginning);
}

Task<> echo_datagrams(Address address) {
  UdpSocket socket = UdpSocket::bind(address);
  DatagramBatch batch(2);
  for (;;) {
    static_cast<void>(co_await socket.receive_batch(batch));
    static_cast<void>(co_await socket.send_batch(batch));
  }
}

Task<> serve_datagrams(Address address) {
  static_cast<void>(co_await within(1s, echo_datagrams(address)));
}

Task<> exchange_datagrams(std::uint16_t port) {
  const std::vector<Address> found = co_await resolve("b", port);
  UdpSocket socket = UdpSocket::connect(found.front());
  std::array<std::byte, 100> buffer;
  for (int i = 0; i < 5; ++i) {
    co_await socket.send("question");
    static_cast<void>(co_await within(50ms, socket.receive(buffer)));
  }
}

// --- the sweep ---------------------------------------------------------------------------------

using ServerMain = Task<> (*)(Address);
using ClientMain = Task<> (*)(std::uint16_t);
using Fault = void (*)(Host&);

void crash(Host& host) { host.crash(); }
void crash_machine(Host& host) { host.crash_machine(); }
// It comes back, and answers what it does not know any more.
void reboot(Host& host) {
  host.crash_machine();
  host.restart();
}

// Runs the scenario for `steps` steps, then lets `fault` happen to the server or the client.
//   Returns    false if the scenario ended before.
bool run_with_fault(ServerMain server, ClientMain client, Fault fault, bool hits_server,
                    int steps) {
  const std::size_t frames = FramePool::live_frames();
  bool reached = true;
  {
    TwoHosts hosts;
    hosts.b.start(server, hosts.at_b);
    hosts.world.run_for(1us);
    hosts.a.start(client, std::uint16_t{7000});
    for (int step = 0; step < steps && hosts.a.running(); ++step) hosts.world.step();
    reached = hosts.a.running();
    if (reached) fault(hits_server ? hosts.b : hosts.a);
    EXPECT_TRUE(
        hosts.world.run_until([&] { return !hosts.a.running() && !hosts.b.running(); }, 1h));
    hosts.world.run_for(1h);
    EXPECT_EQ(hosts.network.connections(), 0U);
    EXPECT_EQ(hosts.network.sockets_of(hosts.a), 0U);
    EXPECT_EQ(hosts.network.sockets_of(hosts.b), 0U);
  }
  EXPECT_EQ(FramePool::live_frames(), frames);
  return reached;
}

void sweep(ServerMain server, ClientMain client) {
  for (const Fault fault : {crash, crash_machine, reboot}) {
    for (const bool hits_server : {true, false}) {
      int steps = 0;
      while (run_with_fault(server, client, fault, hits_server, steps)) {
        ++steps;
        ASSERT_FALSE(testing::Test::HasFailure())
            << "after " << steps << " steps of " << (hits_server ? "the server" : "the client");
      }
      EXPECT_GT(steps, 10);
    }
  }
}

TEST(SimSweep, Echo) { sweep(serve_echo, ask_both); }
TEST(SimSweep, Calls) { sweep(serve_calls, call); }
TEST(SimSweep, Datagrams) { sweep(serve_datagrams, exchange_datagrams); }
TEST(SimSweep, Linger) { sweep(read_late, write_and_leave); }

TEST(SimSweep, AWorldMayEndInTheMiddleOfEverything) {
  for (int steps = 0; steps < 300; ++steps) {
    const std::size_t frames = FramePool::live_frames();
    {
      TwoHosts hosts;
      hosts.b.start(serve_echo, hosts.at_b);
      hosts.world.run_for(1us);
      hosts.a.start(ask_both, std::uint16_t{7000});
      for (int step = 0; step < steps; ++step) hosts.world.step();
    }
    ASSERT_EQ(FramePool::live_frames(), frames);
  }
}

}  // namespace
}  // namespace coracle::net
