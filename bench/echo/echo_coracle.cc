// The echo server as one writes it with Coracle.
#include <array>
#include <cstdio>
#include <utility>

#include "net/serve.h"
#include "net/tcp.h"
#include "runtime/run.h"

namespace {

using namespace coracle;

Task<> echo(net::TcpStream client) {
  std::array<std::byte, 32768> buffer;
  for (;;) {
    const std::size_t count = co_await client.read(buffer);
    if (count == 0) co_return;
    co_await client.write(std::span(buffer).first(count));
  }
}

Task<> serve_echo() {
  net::TcpListener listener = net::TcpListener::listen(net::Address::loopback(0));
  std::printf("port=%d\n", static_cast<int>(listener.local_address().port()));
  std::fflush(stdout);
  co_await net::serve(listener, echo);
}

}  // namespace

int main() { coracle::run(serve_echo()); }
