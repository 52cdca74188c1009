// The UDP echo server as one writes it with Asio's coroutines, on one thread.
#include <array>
#include <asio.hpp>
#include <cstdio>

namespace {

using asio::ip::udp;

asio::awaitable<void> echo(udp::socket& socket) {
  std::array<char, 2048> buffer;
  for (;;) {
    udp::endpoint from;
    const std::size_t count =
        co_await socket.async_receive_from(asio::buffer(buffer), from, asio::use_awaitable);
    co_await socket.async_send_to(asio::buffer(buffer, count), from, asio::use_awaitable);
  }
}

}  // namespace

int main() {
  asio::io_context context(1);
  udp::socket socket(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("port=%d\n", static_cast<int>(socket.local_endpoint().port()));
  std::fflush(stdout);
  asio::signal_set stop(context, SIGTERM);
  stop.async_wait([&](std::error_code, int) { context.stop(); });
  asio::co_spawn(context, echo(socket), asio::detached);
  context.run();
}
