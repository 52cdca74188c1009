#include "net/uv/uv_tcp.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::uv {

UvTcp::UvTcp(UvNet& net, std::string name) : TcpCore(std::move(name)), net_(net) {
  CORACLE_CHECK(uv_tcp_init(net.uv(), &handle_) == 0, "a handle without a socket needs nothing");
  handle_.data = this;
  net_.socket_opened();
}

int UvTcp::adopt(int descriptor) {
  const int code = uv_tcp_open(&handle_, descriptor);
  if (code == 0) uv_tcp_nodelay(&handle_, 1);
  return code;
}

Address UvTcp::local_address() const {
  sockaddr_storage storage{};
  int bytes = sizeof(storage);
  uv_tcp_getsockname(&handle_, reinterpret_cast<sockaddr*>(&storage), &bytes);
  return from_system(storage);
}

Address UvTcp::peer_address() const {
  sockaddr_storage storage{};
  int bytes = sizeof(storage);
  uv_tcp_getpeername(&handle_, reinterpret_cast<sockaddr*>(&storage), &bytes);
  return from_system(storage);
}

// --- reading -----------------------------------------------------------------------------------

void UvTcp::start_reading() {
  const int code = uv_read_start(stream(), on_buffer, on_read);
  CORACLE_CHECK(code == 0, "a connected stream can be read");
}

void UvTcp::stop_reading() { uv_read_stop(stream()); }

// An empty buffer makes libuv report ENOBUFS without reading; epoll reports again next pass.
void UvTcp::on_buffer(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
  const std::span<std::byte> space = self(handle->data).provide_buffer();
  *buffer = uv_buf_init(reinterpret_cast<char*>(space.data()),
                        static_cast<unsigned int>(std::min<std::size_t>(space.size(), 1U << 30U)));
}

void UvTcp::on_read(uv_stream_t* stream, ssize_t bytes, const uv_buf_t* /*buffer*/) {
  if (bytes == 0 || bytes == UV_ENOBUFS) return;
  UvTcp& tcp = self(stream->data);
  Loop& loop = tcp.net_.loop();
  if (bytes > 0) {
    tcp.received(static_cast<std::size_t>(bytes));
  } else {
    tcp.ended(bytes == UV_EOF ? tcp.error_behind_end() : static_cast<int>(-bytes));
  }
  loop.run_ready();
}

int UvTcp::take_error() {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_), &descriptor);
  int error = 0;
  socklen_t bytes = sizeof(error);
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

// When a short read comes with a hang-up, libuv reports the end, also where a reset has cut the
// bytes off. (EPIPE: a reset that came after the true end.)
int UvTcp::error_behind_end() {
  const int error = take_error();
  return error == EPIPE ? 0 : error;
}

// --- writing -----------------------------------------------------------------------------------

std::ptrdiff_t UvTcp::try_write(std::span<const std::byte> bytes) {
  // libuv takes the bytes as char*, and does not write to them.
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
                  static_cast<unsigned int>(std::min<std::size_t>(bytes.size(), 1U << 30U)));
  const int taken = uv_try_write(stream(), &buffer, 1);
  return taken == UV_EAGAIN ? 0 : taken;
}

UvTcp::Requests& UvTcp::requests() {
  if (requests_ == nullptr) {
    requests_ = std::make_unique<Requests>();
    requests_->write.data = this;
    requests_->shutdown.data = this;
  }
  return *requests_;
}

void UvTcp::flush(std::span<const std::byte> bytes) {
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
                  static_cast<unsigned int>(bytes.size()));
  const int code =
      uv_write(&requests().write, stream(), &buffer, 1, [](uv_write_t* request, int status) {
        UvTcp& tcp = self(request->data);
        Loop& loop = tcp.net_.loop();
        tcp.flushed(-status);
        loop.run_ready();
      });
  CORACLE_CHECK(code == 0, "a connected stream can be written");
}

void UvTcp::shut_down() {
  const int code =
      uv_shutdown(&requests().shutdown, stream(), [](uv_shutdown_t* request, int status) {
        UvTcp& tcp = self(request->data);
        Loop& loop = tcp.net_.loop();
        tcp.shut_down_done(-status);
        loop.run_ready();
      });
  CORACLE_CHECK(code == 0 || code == UV_ENOTCONN, "a connected stream can be shut down");
  if (code == UV_ENOTCONN) shut_down_done(ENOTCONN);
}

// What the peer's kernel has not acknowledged; the end of the stream counts as one byte.
std::ptrdiff_t UvTcp::unacknowledged() {
  if (const int error = take_error(); error != 0) return -error;
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_), &descriptor);
  int unsent = 0;
  if (ioctl(descriptor, SIOCOUTQ, &unsent) != 0) return -errno;
  return unsent;
}

void UvTcp::mark_busy() {
  if (!std::exchange(busy_, true)) net_.begin_busy();
}

void UvTcp::close(bool with_reset) {
  const auto closed = [](uv_handle_t* handle) {
    UvTcp& tcp = self(handle->data);
    tcp.net_.end_busy();
    tcp.net_.socket_closed();
    delete &tcp;
  };
  mark_busy();
  auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (with_reset) end_with_reset();
  if (uv_is_closing(handle) == 0) uv_close(handle, closed);
}

// uv_tcp_close_reset() does the same, but refuses to while a shutdown waits for the next poll.
void UvTcp::end_with_reset() {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_), &descriptor);
  const linger at_once{1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace coracle::net::uv
