#include "net/uv/uv_listener.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net::uv {

UvListener::UvListener(UvNet& net, std::string name, int descriptor)
    : net_(net), poll_(new uv_poll_t), descriptor_(descriptor) {
  set_name(std::move(name));
  poll_->data = this;
  CORACLE_CHECK(uv_poll_init(net.uv(), poll_, descriptor) == 0, "a socket can be polled");
}

// uv_close takes the descriptor out of epoll at once, so that it may be closed here.
UvListener::~UvListener() {
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  close(descriptor_);
}

StreamCore* UvListener::try_accept(int& error) {
  sockaddr_storage peer{};
  int accepted = -1;
  do {
    socklen_t bytes = sizeof(peer);
    accepted = accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer), &bytes,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
    // ECONNABORTED: that client has gone; the next one may be there.
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0) {
    error = errno;
    return nullptr;
  }
  return adopt(make_stream(accepted, peer), accepted, error);
}

void UvListener::watch(bool on) {
  if (!on) {
    uv_poll_stop(poll_);
    return;
  }
  const int code = uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto& listener = *static_cast<UvListener*>(poll->data);
    Loop& loop = listener.net_.loop();
    listener.connection_ready();
    loop.run_ready();
  });
  CORACLE_CHECK(code == 0, "a listening socket can be polled");
}

// --- a socket that is being made ---------------------------------------------------------------

NewSocket::NewSocket(int family, std::string name)
    : name_(std::move(name)),
      descriptor_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  expect(descriptor_ < 0 ? errno : 0);
}

NewSocket::~NewSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

void NewSocket::expect(int error) const {
  if (error != 0) throw Error(error, "listen", name_);
}

void NewSocket::set(int option) {
  const int on = 1;
  expect(setsockopt(descriptor_, SOL_SOCKET, option, &on, sizeof(on)) == 0 ? 0 : errno);
}

int NewSocket::try_bind(const SocketAddress& address) const {
  return ::bind(descriptor_, address.get(), address.bytes) == 0 ? 0 : errno;
}

void NewSocket::listen(int backlog) const {
  expect(::listen(descriptor_, backlog) == 0 ? 0 : errno);
}

int NewSocket::take() { return std::exchange(descriptor_, -1); }

}  // namespace coracle::net::uv
