#include "net/tcp.h"

#include <utility>
#include <vector>

#include "net/back_end.h"
#include "net/resolve.h"
#include "runtime/error.h"

namespace coracle::net {

Task<TcpStream> TcpStream::connect(std::string host, std::uint16_t port) {
  const std::vector<Address> addresses = co_await resolve(std::move(host), port);
  for (std::size_t next = 0;;) {
    try {
      co_return co_await connect(addresses[next]);
    } catch (const Error&) {
      if (++next == addresses.size()) throw;
    }
  }
}

TcpListener TcpListener::listen(const Address& address, const ListenOptions& options) {
  return TcpListener(BackEnd::current().listen(address, options));
}

}  // namespace coracle::net
