// One TCP connection of a simulated process: what it keeps above its kernel's end. Mechanism.
#pragma once

#include <span>

#include "net/sim/sim_net.h"

namespace coracle::net::sim {

class SimTcp final : public TcpCore, private SocketEvents, private Notice {
 public:
  // Takes over the process's end of a connection.
  SimTcp(SimNet& net, Endpoint& end);

  [[nodiscard]] Address local_address() const override { return local_; }
  [[nodiscard]] Address peer_address() const override { return peer_; }

 private:
  friend class SimNet;

  ~SimTcp() override;

  void start_reading() override;
  void stop_reading() override { reading_ = false; }
  std::ptrdiff_t try_write(std::span<const std::byte> bytes) override;
  void flush(std::span<const std::byte> bytes) override;
  void shut_down() override;
  std::ptrdiff_t unacknowledged() override;
  void close(bool with_reset) override;
  void linger_begins() override { net_.linger(*this); }

  void ready() override;
  void arrived() override;
  void read_more();
  void flush_more();
  [[nodiscard]] bool has_work();

  SimNet& net_;
  Endpoint* end_;  // nullptr once it is closed
  const Address local_;
  const Address peer_;
  bool reading_ = false;
  std::span<const std::byte> unflushed_;
  bool shutting_down_ = false;
  int shut_down_error_ = 0;
};

}  // namespace coracle::net::sim
