#include "net/udp.h"

#include <string>

#include "net/back_end.h"
#include "runtime/error.h"

namespace coracle::net {
namespace {

void expect(int error, const char* operation, const std::string& subject) {
  if (error != 0) throw Error(error, operation, subject);
}

}  // namespace

UdpSocket UdpSocket::bind(const Address& address, const UdpOptions& options) {
  return UdpSocket(BackEnd::current().bind_udp(address, options));
}

UdpSocket UdpSocket::connect(const Address& peer, const UdpOptions& options) {
  return UdpSocket(BackEnd::current().connect_udp(peer, options));
}

void UdpSocket::join(const Address& group, const Address& interface) {
  expect(core().set_member(group, interface, true), "join", group.to_string());
}

void UdpSocket::leave(const Address& group, const Address& interface) {
  expect(core().set_member(group, interface, false), "leave", group.to_string());
}

void UdpSocket::set_multicast_interface(const Address& interface) {
  expect(core().set_multicast_interface(interface), "set the multicast interface to",
         interface.to_string());
}

void UdpSocket::set(UdpSetting setting, int value, const char* operation) {
  expect(core().set(setting, value), operation, std::to_string(value));
}

void UdpSocket::set_multicast_ttl(int hops) {
  set(UdpSetting::multicast_ttl, hops, "set the multicast TTL to");
}

void UdpSocket::set_multicast_loop(bool on) {
  set(UdpSetting::multicast_loop, on ? 1 : 0, "set multicast loop to");
}

void UdpSocket::set_broadcast(bool on) {
  set(UdpSetting::broadcast, on ? 1 : 0, "set broadcast to");
}

void UdpSocket::set_ttl(int hops) { set(UdpSetting::ttl, hops, "set the TTL to"); }

}  // namespace coracle::net
