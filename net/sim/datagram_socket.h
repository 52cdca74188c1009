// A UDP socket in the kernel of a simulated machine. Mechanism.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/sim/connection.h"
#include "net/udp.h"

namespace coracle::net::sim {

class Datagrams;
class Kernel;

// One datagram, on its way or arrived.
struct Datagram {
  Address from;
  Address to;
  std::shared_ptr<const std::vector<std::byte>> bytes;
  bool via_loopback = false;
};

// It is told what a system call would be, and answers like one: 0 or an errno value.
class DatagramSocket {
 public:
  DatagramSocket(Datagrams& all, Kernel& kernel, SocketEvents& events, const UdpOptions& options);
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  // Closes it: what nobody has received is gone.
  ~DatagramSocket();

  // ---- Its process ----
  [[nodiscard]] int bind(const Address& address);
  [[nodiscard]] int connect(const Address& peer);
  [[nodiscard]] int set(UdpSetting setting, int value);
  [[nodiscard]] int set_multicast_interface(const Address& interface);
  [[nodiscard]] int set_member(const Address& group, const Address& interface, bool member);
  // Returns    whether a datagram or an error is there.
  [[nodiscard]] bool readable() const { return error_ != 0 || !arrived_.empty(); }
  // Takes the datagram that has waited longest. EAGAIN: there is none.
  [[nodiscard]] int receive(DatagramSlot& place);
  [[nodiscard]] int send(const DatagramSlot& datagram);

  // ---- Its kernel ----
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] const std::optional<Address>& peer() const { return peer_; }
  [[nodiscard]] Kernel& kernel() const { return kernel_; }
  [[nodiscard]] bool shares_port() const { return options_.reuse_port; }
  [[nodiscard]] bool may_share_with(const DatagramSocket& other) const;
  [[nodiscard]] bool is_member(const Datagram& datagram) const;
  [[nodiscard]] bool may_broadcast() const { return may_broadcast_; }
  [[nodiscard]] bool hears_own_multicast() const { return multicast_loop_; }
  // Returns    whether what it sends to a group leaves the machine.
  [[nodiscard]] bool multicast_leaves() const { return multicast_ttl_ > 0 && !multicast_stays_; }
  [[nodiscard]] bool multicast_via_loopback() const { return multicast_stays_; }
  [[nodiscard]] std::size_t receive_buffer_bytes() const { return receive_buffer_bytes_; }
  [[nodiscard]] std::size_t send_buffer_bytes() const { return send_buffer_bytes_; }

  // Returns    false if there is no room for it.
  bool arrive(const Datagram& datagram);
  // Nobody listens where it sent to.
  void refused();
  // The machine has lost its power.
  void vanish() { bound_ = false; }

 private:
  using Membership = std::pair<Address, bool>;  // the group without a port, on loopback or not

  Datagrams& all_;
  Kernel& kernel_;
  SocketEvents& events_;
  const UdpOptions options_;
  const std::size_t receive_buffer_bytes_;
  const std::size_t send_buffer_bytes_;
  Address address_;
  std::optional<Address> peer_;
  bool bound_ = false;
  bool may_broadcast_ = false;
  bool multicast_loop_ = true;
  bool multicast_stays_ = false;
  int multicast_ttl_ = 1;
  std::set<Membership> groups_;
  std::deque<Datagram> arrived_;
  std::size_t arrived_bytes_ = 0;
  int error_ = 0;
};

// 224.0.0.0/4 and ff00::/8; 255.255.255.255, 10.0.255.255, and 127.255.255.255, which stays.
[[nodiscard]] bool is_multicast(const Address& address);
[[nodiscard]] bool is_broadcast(const Address& address);

}  // namespace coracle::net::sim
