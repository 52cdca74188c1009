#include "net/tcp.h"

#include <memory>
#include <utility>
#include <vector>

#include "net/back_end.h"
#include "net/resolve.h"
#include "runtime/check.h"
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
  Address bound = address;
  std::unique_ptr<ListenerCore> core = BackEnd::current().listen(bound, options);
  return {std::move(core), bound};
}

Address TcpListener::local_address() const {
  static_cast<void>(core());  // it listens
  return address_;
}

TcpStream::TcpStream(Stream&& stream) : Stream(std::move(stream)) { static_cast<void>(socket()); }

TcpSocket& TcpStream::socket() const {
  auto* socket = dynamic_cast<TcpSocket*>(&core());
  CORACLE_CHECK(socket != nullptr, "this stream is no TCP connection");
  return *socket;
}

}  // namespace coracle::net
