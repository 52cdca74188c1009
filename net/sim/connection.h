// A simulated TCP connection as the kernels at its two ends see it. Mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/sim/flow.h"
#include "net/sim/stream_end.h"
#include "runtime/sim/trace.h"
#include "runtime/time.h"

namespace coracle::net::sim {

class Connection;
class Fabric;
class Kernel;
class PortListener;

// One end of a connection.
class Endpoint final : public StreamEnd {
 public:
  enum class Phase : std::uint8_t {
    absent,      // no SYN has arrived yet
    connecting,  // has sent its SYN
    answering,   // has answered a SYN
    open,
    broken,  // reset or timed out: its process has yet to see that
    gone,    // its kernel knows it no more
  };
  // What a kernel does with a SYN.
  enum class Welcome : std::uint8_t { expected, refused, no_room };

  // `kernel` is nullptr for a machine that does not exist.
  Endpoint(Connection& connection, Kernel* kernel, const Address& address)
      : connection_(connection), kernel_(kernel), address_(address) {}

  [[nodiscard]] Phase phase() const { return phase_; }
  // True while its kernel knows it.
  [[nodiscard]] bool alive() const {
    return phase_ == Phase::connecting || phase_ == Phase::answering || phase_ == Phase::open;
  }
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const { return address_.port(); }
  [[nodiscard]] Kernel* kernel() const { return kernel_; }
  [[nodiscard]] std::string_view host_name() const;
  [[nodiscard]] Endpoint& peer() const;
  [[nodiscard]] Flow& out() const;
  [[nodiscard]] Flow& in() const;

  // ---- Its process ----
  void connect();
  // Takes what has ended it, once; 0 if nothing has.
  [[nodiscard]] int take_error();
  void attach(SocketEvents& socket) override { socket_ = &socket; }
  [[nodiscard]] bool readable() const override;
  std::ptrdiff_t read(std::span<std::byte> into) override;
  [[nodiscard]] bool writable() override;
  void await_room(bool on) override { out().await_room(on); }
  std::ptrdiff_t write(std::span<const std::byte> bytes) override;
  int shut_down() override;
  // As SO_ERROR and SIOCOUTQ tell it.
  [[nodiscard]] std::ptrdiff_t unacknowledged() override;
  void close(bool with_reset) override;

  // ---- Its listener ----
  // Accepted: it has left the listener's queue.
  void leave_listener() { listener_ = nullptr; }
  // The listener was closed before anybody accepted it. May destroy the connection.
  void abandon_in_queue();

  // ---- Its kernel, for the flows ----
  [[nodiscard]] bool machine_runs() const;
  [[nodiscard]] bool awaits_syn() const { return phase_ == Phase::absent; }
  [[nodiscard]] Welcome syn_arrived();
  void syn_acknowledged();
  void octets_arrived();
  // True if nobody will ever read these bytes, or the FIN that comes instead of bytes came too
  // late.
  [[nodiscard]] bool refuses(std::size_t bytes) const;
  void made_room();
  void reset_arrived();
  void timed_out();
  // Its kernel forgets it, without a word.
  void vanish();
  // True while acknowledgements change what it is.
  [[nodiscard]] bool is_awaiting_acks() const { return phase_ == Phase::answering || orphaned_; }
  // An end that nobody owns any more, and that has nothing to wait for, goes.
  void settle_orphan();
  // True once neither a kernel nor a process knows it.
  [[nodiscard]] bool released() const {
    return socket_ == nullptr && listener_ == nullptr && !alive();
  }

  void trace(std::string_view event, std::initializer_list<coracle::sim::Fact> facts) const;
  void trace_with_peer(std::string_view event) const;

 private:
  void break_off(int error);
  void opened();

  Connection& connection_;
  Kernel* kernel_;
  Address address_;
  Phase phase_ = Phase::absent;
  bool orphaned_ = false;
  int error_ = 0;  // told once
  TimePoint orphaned_at_{};
  SocketEvents* socket_ = nullptr;
  PortListener* listener_ = nullptr;  // while it waits in its queue
};

class Connection {
 public:
  Connection(Fabric& fabric, Kernel& client, const Address& from, Kernel* server, const Address& to,
             Path& there, Path& back)
      : fabric_(fabric),
        client_(*this, &client, from),
        server_(*this, server, to),
        request_(*this, client_, server_, there, back),
        answer_(*this, server_, client_, back, there) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  [[nodiscard]] Endpoint& client() { return client_; }
  [[nodiscard]] Endpoint& server() { return server_; }
  [[nodiscard]] Flow& request() { return request_; }
  [[nodiscard]] Flow& answer() { return answer_; }

  // To be called last wherever something has happened to it: destroys it if nobody knows it.
  void settle();

 private:
  friend class Fabric;

  Fabric& fabric_;
  Endpoint client_;
  Endpoint server_;
  Flow request_;
  Flow answer_;
  std::list<std::unique_ptr<Connection>>::iterator place_;
};

}  // namespace coracle::net::sim
