// Sockets on libuv. Included by its factory (net/back_end.cc) and within net/uv only.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <cstddef>
#include <memory>
#include <string>

#include "net/back_end.h"

namespace coracle::net::uv {

// Makes the back end of a loop that runs on libuv.
//   Requires   such a loop.
[[nodiscard]] std::unique_ptr<BackEnd> make_back_end(Loop& loop);

class UvNet final : public BackEnd {
 public:
  UvNet(Loop& loop, uv_loop_t* uv) : loop_(loop), uv_(uv) {}
  ~UvNet() override;

  [[nodiscard]] ConnectAttempt* connect(const Address& address,
                                        ConnectOperation& operation) override;
  [[nodiscard]] std::unique_ptr<ListenerCore> listen(Address& address,
                                                     const ListenOptions& options) override;
  [[nodiscard]] std::unique_ptr<UdpCore> bind_udp(const Address& address,
                                                  const UdpOptions& options) override;
  [[nodiscard]] std::unique_ptr<UdpCore> connect_udp(const Address& peer,
                                                     const UdpOptions& options) override;
  [[nodiscard]] StreamCore* connect_unix(const std::string& path, int& error) override;
  [[nodiscard]] std::unique_ptr<ListenerCore> listen_unix(
      const std::string& path, const UnixListenOptions& options) override;
  [[nodiscard]] Lookup* look_up(const std::string& host, ResolveOperation& operation) override;
  [[nodiscard]] bool busy() const override { return busy_ > 0 || abandoned_lookups_ > 0; }
  [[nodiscard]] std::string busy_with() const override;

  [[nodiscard]] uv_loop_t* uv() const { return uv_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  // Counts the sockets, and what goes on without a fiber: the loop waits for it.
  void socket_opened() { ++sockets_; }
  void socket_closed() { --sockets_; }
  void begin_busy() { ++busy_; }
  void end_busy() { --busy_; }
  // The same for lookups that nobody waits for any more.
  void lookup_abandoned() { ++abandoned_lookups_; }
  void abandoned_lookup_ended() { --abandoned_lookups_; }

 private:
  Loop& loop_;
  uv_loop_t* uv_;
  std::size_t sockets_ = 0;
  std::size_t busy_ = 0;
  std::size_t abandoned_lookups_ = 0;
};

// Addresses as the system wants them.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
[[nodiscard]] SocketAddress to_system(const Address& address);
[[nodiscard]] Address from_system(const sockaddr_storage& storage);

}  // namespace coracle::net::uv
