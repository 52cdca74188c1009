// The echo server of echo_coracle.cc on several loops, which share the port: `echo_cores LOOPS`.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <span>
#include <utility>

#include "net/serve.h"
#include "net/tcp.h"
#include "runtime/run_on_cores.h"

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

// The first loop finds a free port, the others take the same.
class Port {
 public:
  net::TcpListener listen(std::size_t core) {
    const net::ListenOptions shared{.reuse_port = true};
    if (core != 0) return net::TcpListener::listen(known_.get(), shared);
    net::TcpListener first = net::TcpListener::listen(net::Address::loopback(0), shared);
    found_.set_value(first.local_address());
    return first;
  }

 private:
  std::promise<net::Address> found_;
  std::shared_future<net::Address> known_{found_.get_future().share()};
};

// The port is told once all listen.
Task<> serve_echo(Port& port, std::size_t core, std::size_t loops,
                  std::atomic<std::size_t>& ready) {
  net::TcpListener listener = port.listen(core);
  if (++ready == loops) {
    std::printf("port=%d\n", static_cast<int>(listener.local_address().port()));
    std::fflush(stdout);
  }
  co_await net::serve(listener, echo);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t loops = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
  if (loops == 0) {
    std::fprintf(stderr, "usage: echo_cores LOOPS\n");
    return 2;
  }
  Port port;
  std::atomic<std::size_t> ready = 0;
  run_on_cores(loops, [&](std::size_t core) { return serve_echo(port, core, loops, ready); });
}
