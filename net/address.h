// Where a socket is: an IPv4 or IPv6 address and a port.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coracle::net {

class Address {
 public:
  enum class Family : std::uint8_t { ipv4, ipv6 };

  // 0.0.0.0:0, any address and any port.
  Address() = default;
  // `bytes` in network order; `scope` is the interface of a link-local IPv6 address, else 0.
  Address(std::array<std::byte, 4> bytes, std::uint16_t port);
  Address(std::array<std::byte, 16> bytes, std::uint16_t port, std::uint32_t scope = 0);

  // Reads `127.0.0.1:7101` or `[::1]:7101`, or, with the number of an interface,
  // `[fe80::1%2]:7101`. Names (also of interfaces) are resolved by resolve() (resolve.h), not here.
  //   Returns    the address, or nothing if `text` is not exactly one of these forms.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);

  // Reads an address without a port, and without brackets: `127.0.0.1`, `::1`, `fe80::1%2`.
  //   Returns    the address with this port, or nothing if `host` is not one.
  [[nodiscard]] static std::optional<Address> parse_host(std::string_view host, std::uint16_t port);

  // The same for text that must be right.
  //   Throws     Error (invalid argument) that shows the text.
  [[nodiscard]] static Address from(std::string_view text);

  // 127.0.0.1 with this port.
  [[nodiscard]] static Address loopback(std::uint16_t port);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint32_t scope() const { return scope_; }
  // 4 or 16 of them are meaningful, in network order; the rest are zero.
  [[nodiscard]] const std::array<std::byte, 16>& bytes() const { return bytes_; }
  [[nodiscard]] Address with_port(std::uint16_t port) const;

  // The form that parse() reads.
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<std::byte, 16> bytes_{};
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
};

}  // namespace coracle::net
