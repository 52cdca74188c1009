// One TCP connection on libuv.
#pragma once

#include <uv.h>

#include <memory>

#include "net/uv/uv_net.h"

namespace coracle::net::uv {

class UvTcp final : public TcpCore {
 public:
  UvTcp(UvNet& net, std::string name);

  [[nodiscard]] uv_tcp_t* handle() { return &handle_; }
  // Takes over an accepted socket. Returns 0, or -errno (then the descriptor is still the
  // caller's).
  [[nodiscard]] int adopt(int descriptor);
  // Closes the handle of a connection that nobody has seen.
  void discard() { close(/*with_reset=*/false); }

  [[nodiscard]] Address local_address() const override;
  [[nodiscard]] Address peer_address() const override;

 private:
  ~UvTcp() override = default;

  void start_reading() override;
  void stop_reading() override;
  std::ptrdiff_t try_write(std::span<const std::byte> bytes) override;
  void flush(std::span<const std::byte> bytes) override;
  void shut_down() override;
  std::ptrdiff_t unacknowledged() override;
  void close(bool with_reset) override;
  void linger_begins() override { mark_busy(); }

  static UvTcp& self(void* handle_data) { return *static_cast<UvTcp*>(handle_data); }
  [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_); }
  static void on_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer);
  static void on_read(uv_stream_t* stream, ssize_t bytes, const uv_buf_t*);

  // What libuv needs while a peer is slow, or the end is being sent; most streams never do.
  struct Requests {
    uv_write_t write{};
    uv_shutdown_t shutdown{};
  };

  // What has broken the connection, once; 0 if nothing has.
  [[nodiscard]] int take_error();
  [[nodiscard]] int error_behind_end();
  void mark_busy();
  // Has the close that follows be a reset.
  void end_with_reset();
  [[nodiscard]] Requests& requests();

  UvNet& net_;
  bool busy_ = false;
  uv_tcp_t handle_{};
  std::unique_ptr<Requests> requests_;
};

}  // namespace coracle::net::uv
