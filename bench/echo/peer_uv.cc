// The yardstick: the echo server as one writes it with raw libuv callbacks. Reads stay armed;
// what uv_try_write does not take is written by a request, while reading pauses.
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t kBufferBytes = 32768;

struct Connection {
  uv_tcp_t tcp;
  uv_write_t request;
  std::array<char, kBufferBytes> buffer;  // left uninitialized: only what arrives is touched
};

void require(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "peer_uv: %s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

void on_data(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);

void close_connection(uv_stream_t* stream) {
  uv_close(reinterpret_cast<uv_handle_t*>(stream),
           [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); });
}

void lend_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  auto* connection = static_cast<Connection*>(handle->data);
  *buffer = uv_buf_init(connection->buffer.data(), kBufferBytes);
}

void on_written(uv_write_t* request, int status) {
  if (status == UV_ECANCELED) return;  // closed meanwhile
  if (status < 0) return close_connection(request->handle);
  uv_read_start(request->handle, lend_buffer, on_data);
}

void on_data(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  if (count == 0) return;
  if (count < 0) return close_connection(stream);
  uv_buf_t bytes = uv_buf_init(buffer->base, static_cast<unsigned>(count));
  const int written = uv_try_write(stream, &bytes, 1);
  if (written == count) return;
  if (written < 0 && written != UV_EAGAIN) return close_connection(stream);
  const auto taken = static_cast<std::size_t>(written < 0 ? 0 : written);
  uv_buf_t rest = uv_buf_init(buffer->base + taken, static_cast<unsigned>(bytes.len - taken));
  uv_read_stop(stream);
  auto* connection = static_cast<Connection*>(stream->data);
  require(uv_write(&connection->request, stream, &rest, 1, on_written), "write");
}

void on_connection(uv_stream_t* listener, int status) {
  require(status, "accept");
  auto* connection = new Connection;
  require(uv_tcp_init(listener->loop, &connection->tcp), "tcp");
  connection->tcp.data = connection;
  auto* stream = reinterpret_cast<uv_stream_t*>(&connection->tcp);
  require(uv_accept(listener, stream), "accept");
  uv_tcp_nodelay(&connection->tcp, 1);
  require(uv_read_start(stream, lend_buffer, on_data), "read");
}

}  // namespace

int main() {
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  require(uv_tcp_init(loop, &listener), "tcp");
  sockaddr_in address{};
  require(uv_ip4_addr("127.0.0.1", 0, &address), "address");
  require(uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0), "bind");
  require(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection), "listen");
  int size = sizeof address;
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port=%d\n", (address.sin_port & 0xff) << 8 | address.sin_port >> 8);
  std::fflush(stdout);
  uv_signal_t stop;
  require(uv_signal_init(loop, &stop), "signal");
  uv_signal_start(&stop, [](uv_signal_t* signal, int) { uv_stop(signal->loop); }, SIGTERM);
  uv_run(loop, UV_RUN_DEFAULT);
}
