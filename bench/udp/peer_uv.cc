// The yardstick: the UDP echo server as one writes it with raw libuv callbacks, one datagram at a
// time. With `batch`, libuv's recvmmsg, and sends that it queues.
#include <uv.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::size_t kBytes = 65536;  // libuv's chunk of a recvmmsg
constexpr std::size_t kChunks = 20;    // the most that libuv takes at once

std::array<char, kBytes * kChunks> buffer;

void require(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "peer_udp_uv: %s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

struct Send {
  uv_udp_send_t request;
  std::array<char, 2048> bytes;
};

void lend_buffer(uv_handle_t*, std::size_t, uv_buf_t* lent) {
  *lent = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

void echo_single(uv_udp_t* socket, ssize_t count, const uv_buf_t* bytes, const sockaddr* from,
                 unsigned) {
  require(static_cast<int>(count), "receive");
  if (from == nullptr) return;
  const uv_buf_t out = uv_buf_init(bytes->base, static_cast<unsigned>(count));
  const int sent = uv_udp_try_send(socket, &out, 1, from);
  if (sent != UV_EAGAIN) require(sent, "send");
}

void echo_queued(uv_udp_t* socket, ssize_t count, const uv_buf_t* bytes, const sockaddr* from,
                 unsigned) {
  require(static_cast<int>(count), "receive");
  if (from == nullptr) return;
  auto* send = new Send;
  std::copy_n(bytes->base, count, send->bytes.data());
  const uv_buf_t out = uv_buf_init(send->bytes.data(), static_cast<unsigned>(count));
  send->request.data = send;
  require(
      uv_udp_send(&send->request, socket, &out, 1, from,
                  [](uv_udp_send_t* request, int) { delete static_cast<Send*>(request->data); }),
      "send");
}

}  // namespace

int main(int argc, char** argv) {
  const bool in_batches = argc > 1 && std::string_view(argv[1]) == "batch";
  uv_loop_t* loop = uv_default_loop();
  uv_udp_t socket;
  require(uv_udp_init_ex(loop, &socket, AF_INET | (in_batches ? UV_UDP_RECVMMSG : 0)), "socket");
  sockaddr_in address{};
  require(uv_ip4_addr("127.0.0.1", 0, &address), "address");
  require(uv_udp_bind(&socket, reinterpret_cast<const sockaddr*>(&address), 0), "bind");
  int size = sizeof address;
  uv_udp_getsockname(&socket, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port=%d\n", (address.sin_port & 0xff) << 8 | address.sin_port >> 8);
  std::fflush(stdout);
  require(uv_udp_recv_start(&socket, lend_buffer, in_batches ? echo_queued : echo_single), "start");
  uv_signal_t stop;
  require(uv_signal_init(loop, &stop), "signal");
  uv_signal_start(&stop, [](uv_signal_t* signal, int) { uv_stop(signal->loop); }, SIGTERM);
  uv_run(loop, UV_RUN_DEFAULT);
}
