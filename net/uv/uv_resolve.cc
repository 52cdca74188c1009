#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "net/resolve.h"
#include "net/uv/uv_net.h"

namespace coracle::net::uv {
namespace {

std::error_code to_error_code(int code) {
  switch (code) {
    case 0: return {};
    case UV_EAI_NONAME:
    case UV_EAI_SERVICE: return ResolveError::unknown_name;
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY: return ResolveError::no_address;
    case UV_EAI_AGAIN: return ResolveError::try_again;
    case UV_EAI_MEMORY: return {ENOMEM, std::generic_category()};
    case UV_EAI_BADFLAGS:
    case UV_EAI_BADHINTS:
    case UV_EAI_CANCELED:
    case UV_EAI_FAIL:
    case UV_EAI_FAMILY:
    case UV_EAI_OVERFLOW:
    case UV_EAI_PROTOCOL:
    case UV_EAI_SOCKTYPE: return ResolveError::failed;
    default: return {-code, std::generic_category()};
  }
}

// The system's order is the order to try them in (RFC 6724); it may name one twice.
std::vector<Address> to_addresses(const addrinfo* found) {
  std::vector<Address> addresses;
  for (; found != nullptr; found = found->ai_next) {
    if (found->ai_family != AF_INET && found->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, found->ai_addr, std::min<std::size_t>(found->ai_addrlen, sizeof storage));
    const Address address = from_system(storage);
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

// Owns all that the lookup touches, and lives until libuv has called back.
class UvLookup final : public Lookup {
 public:
  UvLookup(UvNet& net, ResolveOperation& operation) : net_(net), operation_(&operation) {
    request_.data = this;
  }

  // Returns 0, or a code of libuv's if it did not begin.
  [[nodiscard]] int begin(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // else each address comes once for each type
    return uv_getaddrinfo(
        net_.uv(), &request_,
        [](uv_getaddrinfo_t* request, int code, addrinfo* found) {
          static_cast<UvLookup*>(request->data)->ended(code, found);
        },
        host.c_str(), nullptr, &hints);
  }

  // A lookup that waits for its turn in the pool is taken out; one that has begun goes on.
  void abandon() override {
    operation_ = nullptr;
    net_.lookup_abandoned();
    uv_cancel(reinterpret_cast<uv_req_t*>(&request_));
  }

 private:
  void ended(int code, addrinfo* found) {
    Loop& loop = net_.loop();
    if (operation_ == nullptr) {
      net_.abandoned_lookup_ended();
    } else {
      std::vector<Address> addresses = to_addresses(found);
      std::error_code error = to_error_code(code);
      if (!error && addresses.empty()) error = ResolveError::no_address;
      operation_->done(error, std::move(addresses));
    }
    uv_freeaddrinfo(found);
    delete this;
    loop.run_ready();
  }

  UvNet& net_;
  ResolveOperation* operation_;
  uv_getaddrinfo_t request_{};
};

}  // namespace

Lookup* UvNet::look_up(const std::string& host, ResolveOperation& operation) {
  // libuv takes the name up to its first zero byte, and calls an empty or malformed one invalid.
  const bool has_zero = host.find('\0') != host.npos;
  auto* lookup = new UvLookup(*this, operation);
  const int code = has_zero ? UV_EINVAL : lookup->begin(host);
  if (code == 0) return lookup;
  delete lookup;
  operation.done(code == UV_EINVAL ? ResolveError::unknown_name : to_error_code(code), {});
  return nullptr;
}

}  // namespace coracle::net::uv
