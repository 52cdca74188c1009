// One TCP connection on libuv.
#pragma once

#include "net/tcp_core.h"
#include "net/uv/uv_stream.h"

namespace coracle::net::uv {

class UvTcp final : public UvStream, public TcpSocket {
 public:
  UvTcp(UvNet& net, std::string name);

  [[nodiscard]] uv_tcp_t* handle() { return &handle_; }
  [[nodiscard]] int adopt(int descriptor) override;

  [[nodiscard]] Address local_address() const override;
  [[nodiscard]] Address peer_address() const override;

 private:
  ~UvTcp() override = default;

  std::ptrdiff_t unacknowledged() override;
  void end_with_reset() override;

  uv_tcp_t handle_{};
};

}  // namespace coracle::net::uv
