// What a user writes first: a connection to oneself, a byte there and back. And a service with
// methods, in a simulated world: whatever a template of ours makes a compiler say, it says here.
#include <coracle/net/rpc.h>
#include <coracle/net/serve.h>
#include <coracle/net/sim/network.h>
#include <coracle/net/tcp.h>
#include <coracle/raft/options.h>
#include <coracle/runtime/channel.h>
#include <coracle/runtime/combinators.h>
#include <coracle/runtime/log.h>
#include <coracle/runtime/run.h>
#include <coracle/runtime/run_blocking.h>
#include <coracle/runtime/sleep.h>
#include <coracle/runtime/task_group.h>
#include <coracle/runtime/timeout.h>
#include <array>
#include <cstddef>
#include <iostream>

#if __has_include("runtime/task.h")
#error "a user's include path holds coracle/ and nothing else of ours"
#endif

namespace net = coracle::net;
using namespace std::chrono_literals;

coracle::Task<> answer_one(net::TcpListener& listener) {
  net::TcpStream peer = co_await listener.accept();
  std::array<std::byte, 1> buffer{};
  const std::size_t count = co_await peer.read(buffer);
  co_await peer.write(std::span(buffer).first(count));
  co_await peer.finish();
}

coracle::Task<> call(net::Address address, coracle::Channel<char>& answers) {
  net::TcpStream stream = co_await coracle::with_timeout(10s, net::TcpStream::connect(address));
  std::array<std::byte, 1> buffer{std::byte{'!'}};
  co_await stream.write(buffer);
  buffer.fill(std::byte{0});
  co_await stream.read(buffer);
  co_await answers.send(static_cast<char>(buffer[0]));
}

coracle::Task<> meet() {
  coracle::Channel<char> answers(1);
  net::TcpListener listener = net::TcpListener::listen(net::Address::loopback(0));
  co_await coracle::task_group([&](coracle::TaskGroup& group) -> coracle::Task<> {
    group.spawn("answer", answer_one, std::ref(listener));
    group.spawn("call", call, listener.local_address(), std::ref(answers));
    co_return;
  });
  const auto answer = co_await answers.receive();
  coracle::log_debug("answer={}", *answer);
  std::cout << "echoed " << *answer << '\n';
}

coracle::Task<> serve_sums(net::Address address) {
  net::RpcServer server;
  server.handle("sum", [](int a, int b) { return a + b; });
  net::TcpListener listener = net::TcpListener::listen(address);
  const auto answer = [&](net::TcpStream peer) { return server.serve(std::move(peer)); };
  co_await net::serve(listener, answer);
}

coracle::Task<> sum_up(net::Address address, int& sum) {
  co_await coracle::sleep_for(1s);
  net::RpcClient client = co_await net::RpcClient::connect(address);
  const auto sums =
      co_await coracle::when_all(client.call<int>("sum", 1, 2), client.call<int>("sum", 3, 4));
  const auto first =
      co_await coracle::race(client.call<int>("sum", std::get<0>(sums), std::get<1>(sums)),
                             coracle::run_blocking([] { return 10; }));
  sum = first.index == 0 ? std::get<0>(first.results).value() : std::get<1>(first.results).value();
}

int sum_in_a_simulated_world() {
  coracle::sim::Simulation world(1);
  const net::sim::Network network(world);
  coracle::sim::Host& server = world.add_host("server");
  coracle::sim::Host& client = world.add_host("client");
  const net::Address address = net::sim::Network::address_of(server, 7000);
  int sum = 0;
  server.start(serve_sums, address);
  client.start(sum_up, address, std::ref(sum));
  world.run_for(10s);
  return sum;
}

int main() {
  coracle::run(meet());
  std::cout << "simulated " << sum_in_a_simulated_world() << '\n';
}
