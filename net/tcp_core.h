// What net needs of a back end for TCP: cores of streams and listeners, and the operations that
// make streams. Mechanism; users read tcp.h.
#pragma once

#include <cstdint>
#include <memory>

#include "net/address.h"
#include "net/stream_core.h"

namespace coracle::net {

class TcpStream;
struct ListenOptions;

class TcpCore : public StreamCore {
 public:
  using StreamCore::StreamCore;

  [[nodiscard]] virtual Address local_address() const = 0;
  [[nodiscard]] virtual Address peer_address() const = 0;
};

class ConnectOperation;

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

  // The back end reports: connected (`core` is handed over), or an errno value.
  void done(TcpCore* core, int error);

 private:
  Address address_;
  ConnectAttempt* attempt_ = nullptr;
  TcpCore* core_ = nullptr;
  int error_ = 0;
};

class ListenerCore;

class [[nodiscard]] AcceptOperation final : public Leaf {
 public:
  explicit AcceptOperation(ListenerCore& listener) : listener_(&listener) {}

  bool try_complete();
  void start();
  [[nodiscard]] TcpStream take();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a connection to accept"; }

 private:
  friend class ListenerCore;

  ListenerCore* listener_;
  AcceptOperation* next_ = nullptr;
  TcpCore* core_ = nullptr;
  int error_ = 0;
};

// A listening socket. Fibers that accept wait in order.
class ListenerCore {
 public:
  ListenerCore() = default;
  ListenerCore(const ListenerCore&) = delete;
  ListenerCore& operator=(const ListenerCore&) = delete;
  virtual ~ListenerCore();

  [[nodiscard]] virtual Address local_address() const = 0;

 protected:
  // The back end reports that a connection may be waiting: serves those who accept.
  void connection_ready();

  // Takes one connection: its core, or nullptr with the errno value in `error` (EAGAIN: none).
  [[nodiscard]] virtual TcpCore* try_accept(int& error) = 0;
  // Starts, or stops, calling connection_ready().
  virtual void watch(bool on) = 0;

 private:
  friend class AcceptOperation;

  void add(AcceptOperation& waiter);
  void remove(AcceptOperation& waiter);
  [[nodiscard]] bool accept_into(AcceptOperation& waiter);

  AcceptOperation* first_ = nullptr;
  AcceptOperation* last_ = nullptr;
  bool watching_ = false;
};

}  // namespace coracle::net
