// The echo server as one writes it with Asio's coroutines, on one thread.
#include <array>
#include <asio.hpp>
#include <cstdio>

namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket socket) {
  std::array<char, 32768> buffer;
  socket.set_option(tcp::no_delay(true));
  try {
    for (;;) {
      const std::size_t count =
          co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer, count), asio::use_awaitable);
    }
  } catch (const std::system_error&) {  // the end of the stream, too, arrives as an exception
  }
}

asio::awaitable<void> accept_clients(tcp::acceptor& acceptor) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("port=%d\n", static_cast<int>(acceptor.local_endpoint().port()));
  std::fflush(stdout);
  asio::signal_set stop(context, SIGTERM);
  stop.async_wait([&](std::error_code, int) { context.stop(); });
  asio::co_spawn(context, accept_clients(acceptor), asio::detached);
  context.run();
}
