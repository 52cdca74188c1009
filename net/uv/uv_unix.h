// One connected Unix socket on libuv.
#pragma once

#include <sys/un.h>

#include "net/unix.h"
#include "net/uv/uv_stream.h"

namespace coracle::net::uv {

class UvUnix final : public UvStream, public UnixSocket {
 public:
  UvUnix(UvNet& net, std::string name);

  [[nodiscard]] int adopt(int descriptor) override;

  [[nodiscard]] PeerCredentials peer_credentials() const override;

 private:
  ~UvUnix() override = default;

  std::ptrdiff_t unacknowledged() override;
  [[nodiscard]] int error_of_write(int error) override;

  uv_pipe_t handle_{};
};

[[nodiscard]] PeerCredentials peer_credentials_of(int descriptor);

// A path, or an abstract name (`@name`), as the system wants it.
//   Requires   unix_path_error(path) == 0.
[[nodiscard]] SocketAddress to_system(const std::string& path);

}  // namespace coracle::net::uv
