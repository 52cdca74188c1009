#include "net/tcp.h"
#include "net/uv/uv_listener.h"
#include "net/uv/uv_tcp.h"

namespace coracle::net::uv {
namespace {

class UvTcpListener final : public UvListener {
 public:
  using UvListener::UvListener;

 private:
  UvStream& make_stream(int /*descriptor*/, const sockaddr_storage& peer) override {
    return *new UvTcp(net(), from_system(peer).to_string());
  }
};

Address local_address_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof(storage);
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &bytes);
  return from_system(storage);
}

}  // namespace

std::unique_ptr<ListenerCore> UvNet::listen(Address& address, const ListenOptions& options) {
  const bool is_ipv4 = address.family() == Address::Family::ipv4;
  NewSocket socket(is_ipv4 ? AF_INET : AF_INET6, address.to_string());
  socket.set(SO_REUSEADDR);
  if (options.reuse_port) socket.set(SO_REUSEPORT);
  socket.bind(to_system(address));
  socket.listen(options.backlog);
  address = local_address_of(socket.descriptor());
  return std::make_unique<UvTcpListener>(*this, address.to_string(), socket.take());
}

}  // namespace coracle::net::uv
