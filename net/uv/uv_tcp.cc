#include "net/uv/uv_tcp.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::uv {

UvTcp::UvTcp(UvNet& net, std::string name)
    : UvStream(net, std::move(name), reinterpret_cast<uv_stream_t*>(&handle_)) {
  CORACLE_CHECK(uv_tcp_init(net.uv(), &handle_) == 0, "a handle without a socket needs nothing");
  opened();
}

int UvTcp::adopt(int descriptor) {
  const int code = uv_tcp_open(&handle_, descriptor);
  if (code == 0) uv_tcp_nodelay(&handle_, 1);
  return code;
}

Address UvTcp::local_address() const {
  sockaddr_storage storage{};
  int bytes = sizeof(storage);
  uv_tcp_getsockname(&handle_, reinterpret_cast<sockaddr*>(&storage), &bytes);
  return from_system(storage);
}

Address UvTcp::peer_address() const {
  sockaddr_storage storage{};
  int bytes = sizeof(storage);
  uv_tcp_getpeername(&handle_, reinterpret_cast<sockaddr*>(&storage), &bytes);
  return from_system(storage);
}

// What the peer's kernel has not acknowledged; the end of the stream counts as one byte.
std::ptrdiff_t UvTcp::unacknowledged() {
  if (const int error = take_error(); error != 0) return -error;
  int unsent = 0;
  if (ioctl(descriptor(), SIOCOUTQ, &unsent) != 0) return -errno;
  return unsent;
}

// uv_tcp_close_reset() does the same, but refuses to while a shutdown waits for the next poll.
void UvTcp::end_with_reset() {
  const linger at_once{1, 0};
  setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace coracle::net::uv
