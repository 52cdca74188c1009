// What a user writes first: a connection to oneself, a byte there and back.
#include <coracle/net/tcp.h>
#include <coracle/raft/options.h>
#include <coracle/runtime/run.h>
#include <coracle/runtime/task_group.h>
#include <array>
#include <cstddef>
#include <iostream>

#if __has_include("runtime/task.h")
#error "a user's include path holds coracle/ and nothing else of ours"
#endif

namespace net = coracle::net;

coracle::Task<> answer_one(net::TcpListener& listener) {
  net::TcpStream peer = co_await listener.accept();
  std::array<std::byte, 1> buffer{};
  const std::size_t count = co_await peer.read(buffer);
  co_await peer.write(std::span(buffer).first(count));
  co_await peer.finish();
}

coracle::Task<> call(net::Address address) {
  net::TcpStream stream = co_await net::TcpStream::connect(address);
  std::array<std::byte, 1> buffer{std::byte{'!'}};
  co_await stream.write(buffer);
  buffer.fill(std::byte{0});
  co_await stream.read(buffer);
  std::cout << "echoed " << static_cast<char>(buffer[0]) << '\n';
}

coracle::Task<> meet() {
  net::TcpListener listener = net::TcpListener::listen(net::Address::loopback(0));
  co_await coracle::task_group([&](coracle::TaskGroup& group) -> coracle::Task<> {
    group.spawn("answer", answer_one, std::ref(listener));
    group.spawn("call", call, listener.local_address());
    co_return;
  });
}

int main() { coracle::run(meet()); }
