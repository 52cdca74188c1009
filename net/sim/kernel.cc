#include "net/sim/kernel.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/sim/fabric.h"
#include "net/sim/network.h"
#include "runtime/check.h"

namespace coracle::net::sim {
namespace {

// Two listeners may not both get a connection to one address.
bool collide(const Address& one, const Address& other) {
  if (is_any(one) || is_any(other)) {
    // `::` listens to IPv4 as well, `0.0.0.0` not to IPv6.
    const bool one_is_ipv6 = one.family() == Address::Family::ipv6;
    const bool other_is_ipv6 = other.family() == Address::Family::ipv6;
    if (one_is_ipv6 == other_is_ipv6) return true;
    return (one_is_ipv6 && is_any(one)) || (other_is_ipv6 && is_any(other));
  }
  return one.with_port(0) == other.with_port(0);
}

}  // namespace

bool is_loopback(const Address& address) {
  if (address.family() == Address::Family::ipv4) return address.bytes()[0] == std::byte{127};
  return address.with_port(0) == Address::from("[::1]:0");
}

bool is_any(const Address& address) {
  return std::ranges::all_of(address.bytes(), [](std::byte byte) { return byte == std::byte{0}; });
}

// --- listeners ---------------------------------------------------------------------------------

PortListener::PortListener(Kernel& kernel, SocketEvents& socket, const Address& address,
                           int backlog, bool shares_port)
    : kernel_(kernel),
      socket_(socket),
      address_(address),
      backlog_(static_cast<std::size_t>(std::max(backlog, 0))),
      shares_port_(shares_port) {}

PortListener::~PortListener() {
  if (!listens_) return;
  kernel_.unbind(*this, address_);
  for (Endpoint* endpoint : std::exchange(answering_, {})) endpoint->abandon_in_queue();
  for (Endpoint* endpoint : std::exchange(established_, {})) endpoint->abandon_in_queue();
}

int PortListener::listen() {
  const int error = kernel_.bind(*this, address_);
  listens_ = error == 0;
  return error;
}

Endpoint& PortListener::accept() {
  Endpoint& endpoint = *established_.front();
  established_.pop_front();
  endpoint.leave_listener();
  return endpoint;
}

void PortListener::established(Endpoint& endpoint) {
  std::erase(answering_, &endpoint);
  established_.push_back(&endpoint);
  socket_.ready();
}

void PortListener::forget(Endpoint& endpoint) {
  std::erase(answering_, &endpoint);
  std::erase(established_, &endpoint);
}

// Its connections vanish by themselves.
void PortListener::vanish() { listens_ = false; }

// --- the kernel --------------------------------------------------------------------------------

Kernel::Kernel(Fabric& fabric, coracle::sim::Host& host)
    : fabric_(fabric),
      host_(host),
      name_(host.name()),
      number_(host.number()),
      address_(Network::address_of(host, 0)),
      last_port_(kLastPort) {
  host.at_power_change([this](bool powered) { power_changed(powered); });
}

bool Kernel::owns(const Address& address) const {
  return is_any(address) || is_loopback(address) || address.with_port(0) == address_;
}

int Kernel::bind(PortListener& listener, Address& address) {
  if (!owns(address)) return EADDRNOTAVAIL;
  if (address.port() == 0) {
    const std::uint16_t port = take_port();
    if (port == 0) return EADDRINUSE;
    give_back_port(port);
    address = address.with_port(port);
  }
  std::vector<PortListener*>& others = listeners_[address.port()];
  for (const PortListener* other : others) {
    if (other->shares_port() && listener.shares_port()) continue;
    if (collide(other->address(), address)) return EADDRINUSE;
  }
  others.push_back(&listener);
  return 0;
}

void Kernel::unbind(PortListener& listener, const Address& address) {
  const auto place = listeners_.find(address.port());
  std::erase(place->second, &listener);
  if (place->second.empty()) listeners_.erase(place);
}

// One that names the address comes before one that takes any; among those that share it, a hash of
// the client decides, which is chance.
PortListener* Kernel::listener_at(const Address& address) {
  const auto place = listeners_.find(address.port());
  if (place == listeners_.end()) return nullptr;
  std::vector<PortListener*> named;
  std::vector<PortListener*> any;
  for (PortListener* listener : place->second) {
    if (listener->address() == address) named.push_back(listener);
    const bool same_family = listener->address().family() == address.family();
    const bool is_ipv6 = listener->address().family() == Address::Family::ipv6;
    if (is_any(listener->address()) && (same_family || is_ipv6)) any.push_back(listener);
  }
  const std::vector<PortListener*>& found = named.empty() ? any : named;
  if (found.empty()) return nullptr;
  return found.size() == 1 ? found.front() : found[fabric_.random().below(found.size())];
}

std::uint16_t Kernel::take_port() {
  for (int tries = 0; tries <= kLastPort - kFirstPort; ++tries) {
    last_port_ = last_port_ == kLastPort ? kFirstPort : static_cast<std::uint16_t>(last_port_ + 1);
    if (used_.test(last_port_) || listeners_.contains(last_port_)) continue;
    used_.set(last_port_);
    return last_port_;
  }
  return 0;
}

std::size_t Kernel::listeners() const {
  std::size_t count = 0;
  for (const auto& [port, listeners] : listeners_) count += listeners.size();
  return count;
}

void Kernel::power_changed(bool powered) {
  if (powered) return;
  for (const auto& [port, listeners] : std::exchange(listeners_, {})) {
    for (PortListener* listener : listeners) listener->vanish();
  }
  fabric_.machine_stopped(*this);
}

}  // namespace coracle::net::sim
