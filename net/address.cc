#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "runtime/error.h"

namespace coracle::net {
namespace {

// Digits only, without leading zeros: what to_string() writes.
template <class Number>
bool parse_number(std::string_view text, Number& number) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end;
}

// inet_pton wants a terminated string.
template <std::size_t size>
bool parse_bytes(int family, std::string_view text, std::array<std::byte, size>& bytes) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  return inet_pton(family, terminated, bytes.data()) == 1;
}

}  // namespace

Address::Address(std::array<std::byte, 4> bytes, std::uint16_t port) : port_(port) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Address::Address(std::array<std::byte, 16> bytes, std::uint16_t port, std::uint32_t scope)
    : family_(Family::ipv6), bytes_(bytes), port_(port), scope_(scope) {}

std::optional<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == text.npos || !parse_number(text.substr(colon + 1), port)) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  const auto address = parse_host(bracketed ? host.substr(1, host.size() - 2) : host, port);
  if (address && (address->family() == Family::ipv6) != bracketed) return std::nullopt;
  return address;
}

std::optional<Address> Address::parse_host(std::string_view host, std::uint16_t port) {
  if (std::array<std::byte, 4> ipv4{}; parse_bytes(AF_INET, host, ipv4)) return Address(ipv4, port);

  const std::size_t percent = host.find('%');
  std::uint32_t scope = 0;
  if (percent != host.npos && (!parse_number(host.substr(percent + 1), scope) || scope == 0)) {
    return std::nullopt;
  }
  std::array<std::byte, 16> ipv6{};
  if (!parse_bytes(AF_INET6, host.substr(0, percent), ipv6)) return std::nullopt;
  return Address(ipv6, port, scope);
}

Address Address::from(std::string_view text) {
  const auto address = parse(text);
  if (!address) throw Error(EINVAL, "parse address", text);
  return *address;
}

Address Address::loopback(std::uint16_t port) {
  constexpr std::array<std::byte, 4> kBytes = {std::byte{127}, {}, {}, std::byte{1}};
  return Address(kBytes, port);
}

Address Address::with_port(std::uint16_t port) const {
  Address changed = *this;
  changed.port_ = port;
  return changed;
}

std::string Address::to_string() const {
  const bool ipv6 = family_ == Family::ipv6;
  char host[INET6_ADDRSTRLEN] = {};
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes_.data(), host, sizeof host);
  std::string text(host);
  if (scope_ != 0) text.append("%").append(std::to_string(scope_));
  if (ipv6) text.insert(0, "[").append("]");
  return text.append(":").append(std::to_string(port_));
}

}  // namespace coracle::net
