// Sockets of a simulated process: the other implementation of net/back_end.h. Mechanism.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/back_end.h"
#include "net/sim/fabric.h"
#include "net/sim/sim_lookup.h"
#include "runtime/sim/sim_back_end.h"

namespace coracle::net::sim {

class SimStream;

using coracle::sim::Notice;
using coracle::sim::SimBackEnd;

class SimNet final : public BackEnd {
 public:
  SimNet(Fabric& fabric, SimBackEnd& below, Loop& loop);
  // The process has ended, in whichever way: its kernel closes what it had open.
  ~SimNet() override;

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
  [[nodiscard]] bool busy() const override;
  [[nodiscard]] std::string busy_with() const override;

  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  [[nodiscard]] Kernel& kernel() const { return kernel_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] SimBackEnd& below() const { return below_; }

  void socket_opened() { ++sockets_; }
  void socket_closed() { --sockets_; }
  // Nobody refers to this stream any more, but for the loop.
  void linger(SimStream& stream) { lingering_.push_back(&stream); }
  // It is closed. It is destroyed at the next poll: its own functions may still run.
  void bury(SimStream& stream);
  void lookup_ended(SimLookup& lookup);

 private:
  class Burial final : public Notice {
   public:
    explicit Burial(SimNet& net) : net_(net) {}

   private:
    void arrived() override { net_.destroy_closed(); }
    SimNet& net_;
  };

  void destroy_closed();

  Fabric& fabric_;
  Kernel& kernel_;
  SimBackEnd& below_;
  Loop& loop_;
  std::size_t sockets_ = 0;
  std::vector<SimStream*> lingering_;
  std::vector<SimStream*> closed_;
  std::list<std::unique_ptr<SimLookup>> lookups_;
  Burial burial_{*this};
};

}  // namespace coracle::net::sim
