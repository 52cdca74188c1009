// All datagrams of a simulated network: which socket hears what, and what is under way. Mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "net/sim/datagram_socket.h"
#include "runtime/sim/agenda.h"

namespace coracle::net::sim {

class Fabric;
class Path;

class Datagrams {
 public:
  explicit Datagrams(Fabric& fabric) : fabric_(fabric) {}
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;
  ~Datagrams();

  // ---- Ports ----
  // Returns    0 or an errno value; a port is chosen in place of 0.
  [[nodiscard]] int bind(DatagramSocket& socket, Address& address);
  void unbind(DatagramSocket& socket);
  [[nodiscard]] std::size_t sockets_of(const Kernel& kernel) const;

  // ---- Sending ----
  // Returns    from where a socket sends to `to`; nothing if no way leads there.
  [[nodiscard]] std::optional<Address> source_for(const DatagramSocket& socket,
                                                  const Address& to) const;
  // Returns    0 or an errno value.
  [[nodiscard]] int send(const DatagramSocket& sender, std::span<const std::byte> bytes,
                         Address to);

  // ---- Faults ----
  void lose_under_way(const Path& cable);
  void machine_stopped(const Kernel& kernel);

 private:
  // Of one kernel.
  struct Ports {
    std::map<std::uint16_t, std::vector<DatagramSocket*>> bound;
    std::uint16_t last = 0;
  };

  // A datagram that is under way, or the ICMP message that one was refused.
  class Flight final : public coracle::sim::Happening {
   public:
    Flight(Datagrams& all, Path& path, Kernel* to, Datagram datagram, bool is_refusal)
        : all_(all),
          path_(path),
          to_(to),
          datagram_(std::move(datagram)),
          is_refusal_(is_refusal) {}

    [[nodiscard]] const Path& path() const { return path_; }

   private:
    friend class Datagrams;
    void expired() override { all_.land(*this); }

    Datagrams& all_;
    Path& path_;
    Kernel* to_;
    const Datagram datagram_;
    const bool is_refusal_;
    std::list<std::unique_ptr<Flight>>::iterator place_;
  };

  [[nodiscard]] std::uint16_t free_port(Ports& ports);
  void send_to_all(const DatagramSocket& sender, Datagram datagram);
  void launch(Kernel& from, Kernel* to, const Datagram& datagram, bool is_refusal);
  void fly(Path& path, Kernel* to, const Datagram& datagram, bool is_refusal);
  void land(Flight& flight);
  void deliver(Kernel& to, const Datagram& datagram);
  void tell_refused(Kernel& to, const Datagram& datagram);
  [[nodiscard]] std::vector<DatagramSocket*> hearers(const Kernel& kernel,
                                                     const Datagram& datagram) const;
  void trace_lost(const Kernel* host, std::string_view why, const Datagram& datagram);

  Fabric& fabric_;
  std::map<std::uint32_t, Ports> ports_;  // by the number of the host
  std::list<std::unique_ptr<Flight>> flights_;
};

}  // namespace coracle::net::sim
