#include "net/uv/uv_unix.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::uv {

UvUnix::UvUnix(UvNet& net, std::string name)
    : UvStream(net, std::move(name), reinterpret_cast<uv_stream_t*>(&handle_)) {
  CORACLE_CHECK(uv_pipe_init(net.uv(), &handle_, /*ipc=*/0) == 0,
                "a handle without a socket needs nothing");
  opened();
}

int UvUnix::adopt(int descriptor) { return uv_pipe_open(&handle_, descriptor); }

PeerCredentials UvUnix::peer_credentials() const { return peer_credentials_of(descriptor()); }

// What this kernel has taken is with the peer's machine, which is this one: it stays readable when
// this end goes. (SIOCOUTQ would count what the peer's process has not read.)
std::ptrdiff_t UvUnix::unacknowledged() { return -take_error(); }

// A peer that has gone is EPIPE, also where it left bytes of ours unread: that waits as an error of
// the socket, and is told once.
int UvUnix::error_of_write(int error) {
  const int cause = error == EPIPE ? take_error() : 0;
  return cause != 0 ? cause : error;
}

PeerCredentials peer_credentials_of(int descriptor) {
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  const int code = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &bytes);
  CORACLE_CHECK(code == 0, "a connected Unix socket knows its peer");
  return {peer.pid, peer.uid, peer.gid};
}

SocketAddress to_system(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::ranges::copy(path, name.sun_path);
  SocketAddress result;
  result.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  if (path.front() == '@') {
    name.sun_path[0] = '\0';
    --result.bytes;  // ends with its last byte
  }
  std::memcpy(&result.storage, &name, sizeof(name));
  return result;
}

// Connects by itself: libuv would cut long paths off, and knows no abstract names.
StreamCore* UvNet::connect_unix(const std::string& path, int& error) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    error = errno;
    return nullptr;
  }
  const SocketAddress system = to_system(path);
  int code = 0;
  do {
    code = ::connect(descriptor, system.get(), system.bytes);
  } while (code != 0 && errno == EINTR);
  if (code != 0) {
    error = errno;
    ::close(descriptor);
    return nullptr;
  }
  return adopt(*new UvUnix(*this, path), descriptor, error);
}

}  // namespace coracle::net::uv
