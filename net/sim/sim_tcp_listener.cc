#include <memory>

#include "net/sim/sim_listener.h"
#include "net/sim/sim_tcp.h"
#include "net/tcp.h"
#include "runtime/error.h"

namespace coracle::net::sim {
namespace {

class SimTcpListener final : public SimListener {
 public:
  SimTcpListener(SimNet& net, const Address& address, const ListenOptions& options)
      : SimListener(net),
        port_(net.kernel(), *this, address, options.backlog, options.reuse_port) {}

  // Returns    0 or an errno value.
  [[nodiscard]] int listen() {
    const int error = port_.listen();
    if (error == 0) set_name(port_.address().to_string());
    return error;
  }
  [[nodiscard]] const Address& address() const { return port_.address(); }

 private:
  [[nodiscard]] bool acceptable() const override { return port_.acceptable(); }

  [[nodiscard]] StreamCore* accept_one() override {
    Endpoint& end = port_.accept();
    end.trace_with_peer("accepted");
    return new SimTcp(net(), end);
  }

  PortListener port_;
};

}  // namespace

std::unique_ptr<ListenerCore> SimNet::listen(Address& address, const ListenOptions& options) {
  auto listener = std::make_unique<SimTcpListener>(*this, address, options);
  const int error = listener->listen();
  if (error != 0) throw Error(error, "listen", address.to_string());
  address = listener->address();
  return listener;
}

}  // namespace coracle::net::sim
