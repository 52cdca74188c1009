// The TCP of one simulated machine: who listens where, and which ports are free. Mechanism.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/sim/connection.h"
#include "net/sim/local_names.h"
#include "runtime/sim/host.h"

namespace coracle::net::sim {

class Fabric;
class Kernel;

// What a kernel chooses from. Linux: ip_local_port_range.
inline constexpr std::uint16_t kFirstPort = 32768;
inline constexpr std::uint16_t kLastPort = 60999;

// A listening socket in its kernel, with the connections that nobody has accepted.
class PortListener {
 public:
  PortListener(Kernel& kernel, SocketEvents& socket, const Address& address, int backlog,
               bool shares_port);
  PortListener(const PortListener&) = delete;
  PortListener& operator=(const PortListener&) = delete;
  // Closes it: what nobody has accepted is reset.
  ~PortListener();

  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] bool shares_port() const { return shares_port_; }
  [[nodiscard]] std::size_t waiting() const { return answering_.size() + established_.size(); }

  // Binds it, and begins to listen.
  //   Returns    0 or an errno value.
  [[nodiscard]] int listen();

  // ---- Its process ----
  [[nodiscard]] bool acceptable() const { return !established_.empty(); }
  // Takes the connection that has waited longest.
  //   Requires   acceptable().
  [[nodiscard]] Endpoint& accept();

  // ---- Its kernel ----
  [[nodiscard]] bool has_room() const { return waiting() <= backlog_; }
  void begin(Endpoint& answering) { answering_.push_back(&answering); }
  void established(Endpoint& endpoint);
  void forget(Endpoint& endpoint);
  // The machine has lost its power.
  void vanish();

 private:
  Kernel& kernel_;
  SocketEvents& socket_;
  Address address_;
  const std::size_t backlog_;
  const bool shares_port_;
  bool listens_ = false;
  std::vector<Endpoint*> answering_;
  std::deque<Endpoint*> established_;
};

class Kernel {
 public:
  Kernel(Fabric& fabric, coracle::sim::Host& host);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  [[nodiscard]] const std::string& host_name() const { return name_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool powered() const { return host_.powered(); }
  [[nodiscard]] Address address() const { return address_; }
  // True for an address of this machine: its own one, loopback, and "any".
  [[nodiscard]] bool owns(const Address& address) const;

  // ---- Ports ----
  // Returns    0 or an errno value; a port is chosen in place of 0.
  [[nodiscard]] int bind(PortListener& listener, Address& address);
  void unbind(PortListener& listener, const Address& address);
  // Returns    who gets a connection to this address; nullptr if nobody listens.
  [[nodiscard]] PortListener* listener_at(const Address& address);
  // Returns    a free port for a connection; 0 if there is none.
  [[nodiscard]] std::uint16_t take_port();
  void give_back_port(std::uint16_t port) { used_.reset(port); }
  [[nodiscard]] std::size_t listeners() const;

  // ---- Unix sockets ----
  [[nodiscard]] LocalNames& local() { return local_; }
  [[nodiscard]] const LocalNames& local() const { return local_; }

 private:
  void power_changed(bool powered);

  Fabric& fabric_;
  coracle::sim::Host& host_;
  const std::string name_;  // lives longer than the host
  const std::uint32_t number_;
  const Address address_;
  std::map<std::uint16_t, std::vector<PortListener*>> listeners_;
  std::bitset<65536> used_;  // by connections from here
  std::uint16_t last_port_;
  LocalNames local_{*this};
};

// 127.x.y.z and ::1; 0.0.0.0 and ::.
[[nodiscard]] bool is_loopback(const Address& address);
[[nodiscard]] bool is_any(const Address& address);

}  // namespace coracle::net::sim
