#include "net/tcp.h"

#include <utility>
#include <vector>

#include "net/back_end.h"
#include "net/resolve.h"
#include "runtime/error.h"

namespace coracle::net {
namespace {

Task<TcpStream> connect_to_first(ResolveOperation lookup) {
  const std::vector<Address> addresses = co_await std::move(lookup);
  for (std::size_t next = 0;;) {
    try {
      co_return co_await TcpStream::connect(addresses[next]);
    } catch (const Error&) {
      if (++next == addresses.size()) throw;
    }
  }
}

}  // namespace

Task<TcpStream> TcpStream::connect(std::string host, std::uint16_t port) {
  co_return co_await connect_to_first(resolve(std::move(host), port));
}

Task<TcpStream> TcpStream::connect(std::string where) {
  co_return co_await connect_to_first(resolve(where));
}

TcpListener TcpListener::listen(const Address& address, const ListenOptions& options) {
  return TcpListener(BackEnd::current().listen(address, options));
}

}  // namespace coracle::net
