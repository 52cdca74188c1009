#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/tcp.h"
#include "net/uv/uv_tcp.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net::uv {
namespace {

// Accepts by itself instead of with uv_listen: libuv would close connections that meet EMFILE,
// and has no SO_REUSEPORT.
class UvListener final : public ListenerCore {
 public:
  UvListener(UvNet& net, int descriptor) : net_(net), poll_(new uv_poll_t) {
    poll_->data = this;
    descriptor_ = descriptor;
    CORACLE_CHECK(uv_poll_init(net.uv(), poll_, descriptor) == 0, "a socket can be polled");
  }
  ~UvListener() override {
    // uv_close takes the descriptor out of epoll at once, so that it may be closed here.
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    close(descriptor_);
  }

  [[nodiscard]] Address local_address() const override {
    sockaddr_storage storage{};
    socklen_t bytes = sizeof(storage);
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&storage), &bytes);
    return from_system(storage);
  }

 private:
  TcpCore* try_accept(int& error) override {
    sockaddr_storage peer{};
    socklen_t bytes = sizeof(peer);
    int accepted = -1;
    do {
      accepted = accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer), &bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
      // ECONNABORTED: that client has gone; the next one may be there.
    } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (accepted < 0) {
      error = errno;
      return nullptr;
    }
    auto* tcp = new UvTcp(net_, from_system(peer).to_string());
    const int code = tcp->adopt(accepted);
    if (code == 0) return tcp;
    ::close(accepted);
    tcp->discard();
    error = -code;
    return nullptr;
  }

  void watch(bool on) override {
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

  UvNet& net_;
  uv_poll_t* poll_;
  int descriptor_;
};

// Throws the Error of the call that failed, and closes the descriptor.
class ListeningSocket {
 public:
  explicit ListeningSocket(const Address& address) : address_(address) {
    const int family = address.family() == Address::Family::ipv4 ? AF_INET : AF_INET6;
    descriptor_ = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    expect(descriptor_ >= 0);
  }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ~ListeningSocket() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  void set(int option) {
    const int on = 1;
    expect(setsockopt(descriptor_, SOL_SOCKET, option, &on, sizeof(on)) == 0);
  }
  void listen(int backlog) {
    const SocketAddress system = to_system(address_);
    expect(bind(descriptor_, system.get(), system.bytes) == 0);
    expect(::listen(descriptor_, backlog) == 0);
  }
  [[nodiscard]] int take() { return std::exchange(descriptor_, -1); }

 private:
  void expect(bool done) const {
    if (!done) throw Error(errno, "listen", address_.to_string());
  }

  const Address& address_;
  int descriptor_ = -1;
};

}  // namespace

std::unique_ptr<ListenerCore> UvNet::listen(const Address& address, const ListenOptions& options) {
  ListeningSocket socket(address);
  socket.set(SO_REUSEADDR);
  if (options.reuse_port) socket.set(SO_REUSEPORT);
  socket.listen(options.backlog);
  return std::make_unique<UvListener>(*this, socket.take());
}

}  // namespace coracle::net::uv
