// A stream on libuv: what TCP connections and Unix sockets have in common there.
#pragma once

#include <uv.h>

#include <memory>
#include <string>

#include "net/stream_core.h"
#include "net/uv/uv_net.h"

namespace coracle::net::uv {

class UvStream : public StreamCore {
 public:
  // Takes over a connected socket. Returns 0, or -errno (then the descriptor is still the
  // caller's).
  [[nodiscard]] virtual int adopt(int descriptor) = 0;
  // Closes the handle of a connection that nobody has seen.
  void discard() { close(/*with_reset=*/false); }

 protected:
  // `handle` is a member of the derived class, which initializes it.
  UvStream(UvNet& net, std::string name, uv_stream_t* handle)
      : StreamCore(std::move(name)), net_(net), handle_(handle) {}
  ~UvStream() override = default;

  // The handle is initialized.
  void opened();
  [[nodiscard]] int descriptor() const;
  // What has broken the connection, once; 0 if nothing has.
  [[nodiscard]] int take_error();

  // What a failed write means (errno values).
  [[nodiscard]] virtual int error_of_write(int error) { return error; }
  // Has the close that follows be a reset, where there are resets.
  virtual void end_with_reset() {}

 private:
  void start_reading() final;
  void stop_reading() final;
  std::ptrdiff_t try_write(std::span<const std::byte> bytes) final;
  void flush(std::span<const std::byte> bytes) final;
  void shut_down() final;
  void close(bool with_reset) final;
  void linger_begins() final { mark_busy(); }

  static UvStream& self(void* handle_data) { return *static_cast<UvStream*>(handle_data); }
  static void on_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer);
  static void on_read(uv_stream_t* stream, ssize_t bytes, const uv_buf_t*);

  // What libuv needs while a peer is slow, or the end is being sent; most streams never do.
  struct Requests {
    uv_write_t write{};
    uv_shutdown_t shutdown{};
  };

  [[nodiscard]] int error_behind_end();
  void mark_busy();
  [[nodiscard]] Requests& requests();

  UvNet& net_;
  uv_stream_t* handle_;
  bool busy_ = false;
  std::unique_ptr<Requests> requests_;
};

// Gives a stream its connected socket.
//   Returns    the stream; nullptr with an errno value in `error`: then both are closed.
[[nodiscard]] StreamCore* adopt(UvStream& stream, int descriptor, int& error);

}  // namespace coracle::net::uv
