#include "net/tcp.h"

#include "net/back_end.h"

namespace coracle::net {

TcpListener TcpListener::listen(const Address& address, const ListenOptions& options) {
  return TcpListener(BackEnd::current().listen(address, options));
}

}  // namespace coracle::net
