// What net needs of a back end for TCP, besides streams and listeners as such. Mechanism; users
// read tcp.h.
#pragma once

#include "net/address.h"
#include "net/stream_core.h"
#include "runtime/leaf.h"

namespace coracle::net {

class TcpStream;

// What a back end's StreamCore is as well if it is a TCP connection.
class TcpSocket {
 public:
  TcpSocket() = default;
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;

  [[nodiscard]] virtual Address local_address() const = 0;
  [[nodiscard]] virtual Address peer_address() const = 0;

 protected:
  ~TcpSocket() = default;
};

// An attempt to connect, in the hands of the back end.
class ConnectAttempt {
 public:
  ConnectAttempt() = default;
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

  // Gives the attempt up; it will not call done().
  virtual void abandon() = 0;

 protected:
  ~ConnectAttempt() = default;
};

class [[nodiscard]] ConnectOperation final : public Leaf {
 public:
  explicit ConnectOperation(const Address& address) : address_(address) {}

  static bool try_complete() { return false; }
  void start();
  [[nodiscard]] TcpStream take();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a connection"; }

  // The back end reports: connected (`core`, which is a TcpSocket, is handed over), or an errno
  // value.
  void done(StreamCore* core, int error);

 private:
  Address address_;
  ConnectAttempt* attempt_ = nullptr;
  StreamCore* core_ = nullptr;
  int error_ = 0;
};

}  // namespace coracle::net
