#include "net/uv/uv_net.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/check.h"
#include "runtime/uv/uv_back_end.h"

namespace coracle::net::uv {

std::unique_ptr<BackEnd> make_back_end(Loop& loop) {
  auto* below = dynamic_cast<coracle::uv::UvBackEnd*>(&loop.back_end());
  CORACLE_CHECK(below != nullptr, "sockets of the system need a loop of the system");
  return std::make_unique<UvNet>(loop, below->uv());
}

UvNet::~UvNet() { CORACLE_CHECK(sockets_ == 0, "a socket is destroyed before its loop ends"); }

std::string UvNet::busy_with() const {
  return std::to_string(busy_) + " closing connections, " + std::to_string(abandoned_lookups_) +
         " abandoned lookups";
}

SocketAddress to_system(const Address& address) {
  SocketAddress result;
  if (address.family() == Address::Family::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port());
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof(v4.sin_addr));
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.bytes = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port());
    v6.sin6_scope_id = address.scope();
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof(v6.sin6_addr));
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.bytes = sizeof(v6);
  }
  return result;
}

Address from_system(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof(v6));
    std::array<std::byte, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {bytes, ntohs(v6.sin6_port), v6.sin6_scope_id};
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof(v4));
  std::array<std::byte, 4> bytes{};
  std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
  return {bytes, ntohs(v4.sin_port)};
}

}  // namespace coracle::net::uv
