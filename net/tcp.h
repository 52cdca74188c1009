// TCP connections and listeners.
//
//   net::TcpListener listener = net::TcpListener::listen(net::Address::from("127.0.0.1:7000"));
//   net::TcpStream peer = co_await listener.accept();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/stream.h"
#include "net/tcp_core.h"
#include "runtime/task.h"

namespace coracle::net {

// One connected TCP byte stream; see Stream. TCP_NODELAY is set: small messages are not delayed.
class TcpStream final : public Stream {
 public:
  TcpStream() = default;

  // Connects to `address`.
  //   Returns    a connected stream.
  //   Throws     Error: `connect 10.0.0.7:7000: Connection refused`. Bound it with with_timeout():
  //              a silent peer takes the kernel minutes.
  //   Canceled   gives the attempt up.
  [[nodiscard]] static ConnectOperation connect(const Address& address) {
    return ConnectOperation(address);
  }

  // Resolves `host` and connects to its addresses in turn, until one accepts.
  //   Returns    a connected stream.
  //   Throws     Error of the lookup, or of the last address.
  //   Canceled   gives the attempt up.
  [[nodiscard]] static Task<TcpStream> connect(std::string host, std::uint16_t port);
  // The same for `HOST:PORT`, as resolve() reads it.
  [[nodiscard]] static Task<TcpStream> connect(std::string where);

  [[nodiscard]] Address local_address() const { return tcp_core().local_address(); }
  [[nodiscard]] Address peer_address() const { return tcp_core().peer_address(); }

 private:
  friend class ConnectOperation;
  friend class AcceptOperation;

  explicit TcpStream(TcpCore& core) : Stream(core) {}
  [[nodiscard]] TcpCore& tcp_core() const { return static_cast<TcpCore&>(core()); }
};

struct ListenOptions {
  // How many connections the kernel holds that nobody has accepted.
  int backlog = 1024;
  // Lets several listeners share the address (SO_REUSEPORT), one per loop.
  bool reuse_port = false;
};

// A listening TCP socket. Belongs to one loop. Destroying it stops listening; an accept must not
// be in progress.
class TcpListener final {
 public:
  // Not listening: every operation fails a check.
  TcpListener() = default;

  // Binds and listens; does not wait. Port 0 takes a free one: see local_address().
  //   Throws     Error: `listen 127.0.0.1:7000: Address already in use`.
  //   Requires   a current loop.
  [[nodiscard]] static TcpListener listen(const Address& address,
                                          const ListenOptions& options = {});

  // Waits for a connection. Several fibers may wait; they are served in order.
  //   Returns    the connected stream.
  //   Throws     Error; after EMFILE or ENFILE (out of descriptors) the connection stays in the
  //              kernel's queue, and a later accept may succeed. serve() (serve.h) does so.
  //   Canceled   loses nothing: the connection is returned by the next accept.
  [[nodiscard]] AcceptOperation accept() { return AcceptOperation(core()); }

  // Returns    where it listens, with the port that the kernel chose.
  [[nodiscard]] Address local_address() const { return core().local_address(); }

 private:
  explicit TcpListener(std::unique_ptr<ListenerCore> core) : core_(std::move(core)) {}
  [[nodiscard]] ListenerCore& core() const {
    CORACLE_CHECK(core_ != nullptr, "this listener does not listen");
    return *core_;
  }

  std::unique_ptr<ListenerCore> core_;
};

}  // namespace coracle::net
