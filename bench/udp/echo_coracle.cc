// The UDP echo server as one writes it with Coracle: in batches; with `single`, one by one.
#include <array>
#include <cstdio>
#include <string_view>

#include "net/udp.h"
#include "runtime/run.h"

namespace {

using namespace coracle;

net::UdpSocket bind() {
  net::UdpSocket socket = net::UdpSocket::bind(net::Address::loopback(0));
  std::printf("port=%d\n", static_cast<int>(socket.local_address().port()));
  std::fflush(stdout);
  return socket;
}

Task<> echo_batches() {
  net::UdpSocket socket = bind();
  net::DatagramBatch batch(64);
  for (;;) {
    static_cast<void>(co_await socket.receive_batch(batch));
    static_cast<void>(co_await socket.send_batch(batch));
  }
}

Task<> echo_singly() {
  net::UdpSocket socket = bind();
  std::array<std::byte, 2048> buffer;
  for (;;) {
    const net::ReceivedDatagram received = co_await socket.receive(buffer);
    co_await socket.send(std::span(buffer).first(received.bytes), received.from);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool singly = argc > 1 && std::string_view(argv[1]) == "single";
  coracle::run(singly ? echo_singly() : echo_batches());
}
