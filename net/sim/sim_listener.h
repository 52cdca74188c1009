// A listening socket of a simulated process, of whichever kind. Mechanism.
#pragma once

#include "net/listener_core.h"
#include "net/sim/sim_net.h"
#include "net/sim/stream_end.h"

namespace coracle::net::sim {

class SimListener : public ListenerCore, protected SocketEvents, private Notice {
 protected:
  explicit SimListener(SimNet& net) : net_(net) {}
  ~SimListener() override;

  [[nodiscard]] SimNet& net() const { return net_; }

 private:
  [[nodiscard]] virtual bool acceptable() const = 0;
  // Takes the connection that has waited longest.
  //   Requires   acceptable().
  [[nodiscard]] virtual StreamCore* accept_one() = 0;

  StreamCore* try_accept(int& error) final;
  void watch(bool on) final;
  void ready() final;
  void arrived() final;

  SimNet& net_;
  bool watched_ = false;
};

}  // namespace coracle::net::sim
