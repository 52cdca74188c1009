// All kernels, cables and connections of a simulated network. Mechanism.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/sim/connection.h"
#include "net/sim/datagrams.h"
#include "net/sim/kernel.h"
#include "net/sim/network.h"
#include "net/sim/path.h"
#include "runtime/sim/simulation.h"

namespace coracle::net::sim {

class SimLookup;

using coracle::sim::Agenda;

class Fabric {
 public:
  explicit Fabric(coracle::sim::Simulation& world);
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;
  ~Fabric();

  [[nodiscard]] Agenda& agenda() const { return world_.agenda(); }
  [[nodiscard]] Random& random() const { return world_.random(); }
  [[nodiscard]] Counters& counters() { return counters_; }
  void trace(std::string_view host, std::string_view event,
             std::initializer_list<coracle::sim::Fact> facts);

  // ---- Machines and cables ----
  [[nodiscard]] Kernel& kernel_of(const coracle::sim::Host& host);
  // Returns    nullptr if no host has this address in 10.0.0.0/16, or this name.
  [[nodiscard]] Kernel* kernel_at(const Address& address);
  [[nodiscard]] Kernel* kernel_named(std::string_view name);
  // Returns    that of each host, in their order.
  [[nodiscard]] std::vector<Kernel*> all_kernels();
  [[nodiscard]] Path& path(const Kernel& from, const Kernel* to);
  void set_default_link(const Link& link) { default_link_ = link; }

  // ---- Connections ----
  // Begins to connect, for `socket`.
  //   Returns    our end; nullptr with an errno value in `error`.
  [[nodiscard]] Endpoint* connect(Kernel& from, const Address& to, SocketEvents& socket,
                                  int& error);
  void destroy(Connection& connection);
  [[nodiscard]] const std::list<std::unique_ptr<Connection>>& connections() const {
    return connections_;
  }

  // Returns    how many there are of Unix sockets, on all machines.
  [[nodiscard]] std::size_t local_connections() const;

  // ---- Datagrams ----
  [[nodiscard]] Datagrams& datagrams() { return datagrams_; }

  // ---- Faults ----
  void cut(Kernel& from, Kernel& to);
  void heal();
  void reset(const Kernel& one, const Kernel& other);
  void machine_stopped(const Kernel& kernel);

  // ---- Lookups ----
  [[nodiscard]] Lookups lookups_of(const Kernel& kernel) const;
  void set_lookups(const Kernel& kernel, Lookups lookups);
  // Has answer_later() called once lookups of its host do not hang any more.
  void add_hanging(SimLookup& lookup) { hanging_.push_back(&lookup); }
  void remove_hanging(SimLookup& lookup) { std::erase(hanging_, &lookup); }

 private:
  // Calls `act(connection)` for each, which may destroy that one.
  template <class Act>
  void for_each_connection(Act act);

  coracle::sim::Simulation& world_;
  Counters counters_;
  Link default_link_;
  Link loopback_link_;
  std::vector<std::unique_ptr<Kernel>> kernels_;  // by the number of their host, from 1
  std::map<std::pair<std::uint32_t, std::uint32_t>, Path> paths_;
  std::map<std::uint32_t, Lookups> lookups_;
  std::vector<SimLookup*> hanging_;
  std::list<std::unique_ptr<Connection>> connections_;  // in the order of connecting
  Datagrams datagrams_{*this};
};

}  // namespace coracle::net::sim
