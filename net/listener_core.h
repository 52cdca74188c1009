// What every listener does whatever its back end: fibers that accept wait in order. A back end
// derives from ListenerCore. Mechanism; users read listener.h.
#pragma once

#include <string>
#include <utility>

#include "net/stream_core.h"
#include "runtime/leaf.h"

namespace coracle::net {

class ListenerCore;

// An accept in progress, whatever kind of stream it makes.
class PendingAccept : public Leaf {
 public:
  bool try_complete();
  void start();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a connection to accept"; }

 protected:
  explicit PendingAccept(ListenerCore& listener) : listener_(&listener) {}
  PendingAccept(const PendingAccept&) = default;
  PendingAccept& operator=(const PendingAccept&) = default;
  ~PendingAccept() = default;

  // Hands the connection over. Throws the Error of an accept that failed.
  [[nodiscard]] StreamCore& take_core();

 private:
  friend class ListenerCore;

  ListenerCore* listener_;
  PendingAccept* next_ = nullptr;
  StreamCore* core_ = nullptr;
  int error_ = 0;
};

template <class StreamType>
class [[nodiscard]] AcceptOperation final : public PendingAccept {
 public:
  explicit AcceptOperation(ListenerCore& listener) : PendingAccept(listener) {}

  [[nodiscard]] StreamType take() { return StreamType(take_core()); }
};

// A listening socket.
class ListenerCore {
 public:
  ListenerCore() = default;
  ListenerCore(const ListenerCore&) = delete;
  ListenerCore& operator=(const ListenerCore&) = delete;
  virtual ~ListenerCore();

  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  // Where it listens, for logs and errors. To be called before anybody accepts.
  void set_name(std::string name) { name_ = std::move(name); }

  // The back end reports that a connection may be waiting: serves those who accept.
  void connection_ready();

  // Takes one connection: its core, or nullptr with the errno value in `error` (EAGAIN: none).
  [[nodiscard]] virtual StreamCore* try_accept(int& error) = 0;
  // Starts, or stops, calling connection_ready().
  virtual void watch(bool on) = 0;

 private:
  friend class PendingAccept;

  void add(PendingAccept& waiter);
  void remove(PendingAccept& waiter);
  [[nodiscard]] bool accept_into(PendingAccept& waiter);

  std::string name_;
  PendingAccept* first_ = nullptr;
  PendingAccept* last_ = nullptr;
  bool watching_ = false;
};

}  // namespace coracle::net
