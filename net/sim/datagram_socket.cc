#include "net/sim/datagram_socket.h"

#include <algorithm>
#include <cerrno>

#include "net/sim/datagrams.h"
#include "net/sim/kernel.h"

namespace coracle::net::sim {
namespace {

// Linux: net.core.rmem_default and rmem_max, and what a small datagram costs besides its bytes.
constexpr std::size_t kBufferBytes = 212'992;
constexpr std::size_t kBookkeepingBytes = 640;

// Linux doubles what it is asked for, up to a limit.
std::size_t buffer_for(std::size_t asked) {
  return asked == 0 ? kBufferBytes : 2 * std::clamp<std::size_t>(asked, 1152, kBufferBytes);
}

std::size_t cost_of(const Datagram& datagram) { return datagram.bytes->size() + kBookkeepingBytes; }

}  // namespace

bool is_multicast(const Address& address) {
  if (address.family() == Address::Family::ipv6) return address.bytes()[0] == std::byte{0xFF};
  return (address.bytes()[0] & std::byte{0xF0}) == std::byte{0xE0};
}

bool is_broadcast(const Address& address) {
  const Address place = address.with_port(0);
  return place == Address::from("255.255.255.255:0") || place == Address::from("10.0.255.255:0") ||
         place == Address::from("127.255.255.255:0");
}

DatagramSocket::DatagramSocket(Datagrams& all, Kernel& kernel, SocketEvents& events,
                               const UdpOptions& options)
    : all_(all),
      kernel_(kernel),
      events_(events),
      options_(options),
      receive_buffer_bytes_(buffer_for(options.receive_buffer_bytes)),
      send_buffer_bytes_(buffer_for(options.send_buffer_bytes)) {}

DatagramSocket::~DatagramSocket() {
  if (bound_) all_.unbind(*this);
}

// --- its process -------------------------------------------------------------------------------

int DatagramSocket::bind(const Address& address) {
  address_ = address;
  const int error = all_.bind(*this, address_);
  bound_ = error == 0;
  return error;
}

int DatagramSocket::connect(const Address& peer) {
  if (peer.port() == 0) return EINVAL;
  const std::optional<Address> from = all_.source_for(*this, peer);
  if (!from) return ENETUNREACH;
  peer_ = peer;
  return bind(*from);
}

int DatagramSocket::set(UdpSetting setting, int value) {
  switch (setting) {
    case UdpSetting::broadcast: may_broadcast_ = value != 0; return 0;
    case UdpSetting::ttl: return value < 1 || value > 255 ? EINVAL : 0;
    case UdpSetting::multicast_ttl:
      if (value < 0 || value > 255) return EINVAL;
      multicast_ttl_ = value;
      return 0;
    case UdpSetting::multicast_loop: multicast_loop_ = value != 0; return 0;
  }
  return EINVAL;
}

int DatagramSocket::set_multicast_interface(const Address& interface) {
  if (!kernel_.owns(interface)) return EADDRNOTAVAIL;
  multicast_stays_ = is_loopback(interface);
  return 0;
}

int DatagramSocket::set_member(const Address& group, const Address& interface, bool member) {
  if (group.family() != address_.family()) return EAFNOSUPPORT;
  if (!is_multicast(group)) return EINVAL;
  if (!kernel_.owns(interface)) return ENODEV;
  const Membership membership(group.with_port(0), is_loopback(interface));
  if (member) return groups_.insert(membership).second ? 0 : EADDRINUSE;
  return groups_.erase(membership) == 1 ? 0 : EADDRNOTAVAIL;
}

int DatagramSocket::receive(DatagramSlot& place) {
  if (error_ != 0) return std::exchange(error_, 0);
  if (arrived_.empty()) return EAGAIN;
  const Datagram& datagram = arrived_.front();
  place.datagram_bytes = datagram.bytes->size();
  place.bytes = std::min(place.datagram_bytes, place.space.size());
  place.address = datagram.from;
  place.error = 0;
  std::copy_n(datagram.bytes->begin(), place.bytes, place.space.begin());
  arrived_bytes_ -= cost_of(datagram);
  arrived_.pop_front();
  return 0;
}

int DatagramSocket::send(const DatagramSlot& datagram) {
  if (error_ != 0) return std::exchange(error_, 0);
  return all_.send(*this, datagram.space.first(datagram.bytes), peer_.value_or(datagram.address));
}

// --- its kernel --------------------------------------------------------------------------------

bool DatagramSocket::may_share_with(const DatagramSocket& other) const {
  return (options_.reuse_port && other.options_.reuse_port) ||
         (options_.reuse_address && other.options_.reuse_address);
}

bool DatagramSocket::is_member(const Datagram& datagram) const {
  return groups_.contains({datagram.to.with_port(0), datagram.via_loopback});
}

bool DatagramSocket::arrive(const Datagram& datagram) {
  // As Linux does it: what begins within the limit is taken.
  if (arrived_bytes_ > receive_buffer_bytes_) return false;
  arrived_bytes_ += cost_of(datagram);
  arrived_.push_back(datagram);
  events_.ready();
  return true;
}

void DatagramSocket::refused() {
  error_ = ECONNREFUSED;
  events_.ready();
}

}  // namespace coracle::net::sim
