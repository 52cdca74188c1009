// TCP connections and listeners.
//
//   net::TcpListener listener = net::TcpListener::listen(net::Address::from("127.0.0.1:7000"));
//   net::TcpStream peer = co_await listener.accept();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "net/address.h"
#include "net/listener.h"
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

  // Takes over what a Listener accepted.
  //   Requires   a TCP connection.
  explicit TcpStream(Stream&& stream);

  [[nodiscard]] Address local_address() const { return socket().local_address(); }
  [[nodiscard]] Address peer_address() const { return socket().peer_address(); }

 private:
  friend class ConnectOperation;
  friend class AcceptOperation<TcpStream>;

  explicit TcpStream(StreamCore& core) : Stream(core) {}
  [[nodiscard]] TcpSocket& socket() const;
};

struct ListenOptions {
  // How many connections the kernel holds that nobody has accepted.
  int backlog = 1024;
  // Lets several listeners share the address (SO_REUSEPORT), one per loop.
  bool reuse_port = false;
};

// A listening TCP socket; see Listener.
class TcpListener final : public Listener {
 public:
  using Connection = TcpStream;

  // Not listening: every operation fails a check.
  TcpListener() = default;

  // Binds and listens; does not wait. Port 0 takes a free one: see local_address().
  //   Throws     Error: `listen 127.0.0.1:7000: Address already in use`.
  //   Requires   a current loop.
  [[nodiscard]] static TcpListener listen(const Address& address,
                                          const ListenOptions& options = {});

  // Waits for a connection, as Listener::accept() does.
  [[nodiscard]] AcceptOperation<TcpStream> accept() { return AcceptOperation<TcpStream>(core()); }

  // Returns    where it listens, with the port that the kernel chose.
  [[nodiscard]] Address local_address() const;

 private:
  TcpListener(std::unique_ptr<ListenerCore> core, const Address& address)
      : Listener(std::move(core)), address_(address) {}

  Address address_;
};

}  // namespace coracle::net
