#include "net/uv/uv_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::uv {

void UvStream::opened() {
  handle_->data = this;
  net_.socket_opened();
}

int UvStream::descriptor() const {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(handle_), &descriptor);
  return descriptor;
}

// --- reading -----------------------------------------------------------------------------------

void UvStream::start_reading() {
  const int code = uv_read_start(handle_, on_buffer, on_read);
  CORACLE_CHECK(code == 0, "a connected stream can be read");
}

void UvStream::stop_reading() { uv_read_stop(handle_); }

// An empty buffer makes libuv report ENOBUFS without reading; epoll reports again next pass.
void UvStream::on_buffer(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
  const std::span<std::byte> space = self(handle->data).provide_buffer();
  *buffer = uv_buf_init(reinterpret_cast<char*>(space.data()),
                        static_cast<unsigned int>(std::min<std::size_t>(space.size(), 1U << 30U)));
}

void UvStream::on_read(uv_stream_t* handle, ssize_t bytes, const uv_buf_t* /*buffer*/) {
  if (bytes == 0 || bytes == UV_ENOBUFS) return;
  UvStream& stream = self(handle->data);
  Loop& loop = stream.net_.loop();
  if (bytes > 0) {
    stream.received(static_cast<std::size_t>(bytes));
  } else {
    stream.ended(bytes == UV_EOF ? stream.error_behind_end() : static_cast<int>(-bytes));
  }
  loop.run_ready();
}

int UvStream::take_error() {
  int error = 0;
  socklen_t bytes = sizeof(error);
  return getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

// When a short read comes with a hang-up, libuv reports the end, also where a reset has cut the
// bytes off. (EPIPE: a reset that came after the true end.)
int UvStream::error_behind_end() {
  const int error = take_error();
  return error == EPIPE ? 0 : error;
}

// --- writing -----------------------------------------------------------------------------------

std::ptrdiff_t UvStream::try_write(std::span<const std::byte> bytes) {
  // libuv takes the bytes as char*, and does not write to them.
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
                  static_cast<unsigned int>(std::min<std::size_t>(bytes.size(), 1U << 30U)));
  const int taken = uv_try_write(handle_, &buffer, 1);
  if (taken >= 0) return taken;
  return taken == UV_EAGAIN ? 0 : -error_of_write(-taken);
}

UvStream::Requests& UvStream::requests() {
  if (requests_ == nullptr) {
    requests_ = std::make_unique<Requests>();
    requests_->write.data = this;
    requests_->shutdown.data = this;
  }
  return *requests_;
}

void UvStream::flush(std::span<const std::byte> bytes) {
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
                  static_cast<unsigned int>(bytes.size()));
  const int code =
      uv_write(&requests().write, handle_, &buffer, 1, [](uv_write_t* request, int status) {
        UvStream& stream = self(request->data);
        Loop& loop = stream.net_.loop();
        stream.flushed(status == 0 ? 0 : stream.error_of_write(-status));
        loop.run_ready();
      });
  CORACLE_CHECK(code == 0, "a connected stream can be written");
}

void UvStream::shut_down() {
  const int code =
      uv_shutdown(&requests().shutdown, handle_, [](uv_shutdown_t* request, int status) {
        UvStream& stream = self(request->data);
        Loop& loop = stream.net_.loop();
        stream.shut_down_done(-status);
        loop.run_ready();
      });
  CORACLE_CHECK(code == 0 || code == UV_ENOTCONN, "a connected stream can be shut down");
  if (code == UV_ENOTCONN) shut_down_done(ENOTCONN);
}

void UvStream::mark_busy() {
  if (!std::exchange(busy_, true)) net_.begin_busy();
}

void UvStream::close(bool with_reset) {
  const auto closed = [](uv_handle_t* handle) {
    UvStream& stream = self(handle->data);
    stream.net_.end_busy();
    stream.net_.socket_closed();
    delete &stream;
  };
  mark_busy();
  auto* handle = reinterpret_cast<uv_handle_t*>(handle_);
  if (with_reset) end_with_reset();
  if (uv_is_closing(handle) == 0) uv_close(handle, closed);
}

StreamCore* adopt(UvStream& stream, int descriptor, int& error) {
  error = -stream.adopt(descriptor);
  if (error == 0) return &stream;
  ::close(descriptor);
  stream.discard();
  return nullptr;
}

}  // namespace coracle::net::uv
