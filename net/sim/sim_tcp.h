// One TCP connection of a simulated process. Mechanism.
#pragma once

#include "net/sim/connection.h"
#include "net/sim/sim_stream.h"
#include "net/tcp_core.h"

namespace coracle::net::sim {

class SimTcp final : public SimStream, public TcpSocket {
 public:
  SimTcp(SimNet& net, Endpoint& end);

  [[nodiscard]] Address local_address() const override { return local_; }
  [[nodiscard]] Address peer_address() const override { return peer_; }

 private:
  ~SimTcp() override = default;

  const Address local_;
  const Address peer_;
};

}  // namespace coracle::net::sim
