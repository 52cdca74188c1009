#include <cerrno>

#include "net/sim/sim_tcp.h"
#include "net/tcp.h"
#include "runtime/error.h"

namespace coracle::net::sim {
namespace {

class SimListener final : public ListenerCore, private SocketEvents, private Notice {
 public:
  SimListener(SimNet& net, const Address& address, const ListenOptions& options)
      : net_(net), port_(net.kernel(), *this, address, options.backlog, options.reuse_port) {}
  ~SimListener() override { net_.below().withdraw(*this); }

  [[nodiscard]] int listen() { return port_.listen(); }
  [[nodiscard]] Address local_address() const override { return port_.address(); }

 private:
  TcpCore* try_accept(int& error) override {
    if (!port_.acceptable()) {
      error = EAGAIN;
      return nullptr;
    }
    Endpoint& end = port_.accept();
    end.trace_with_peer("accepted");
    return new SimTcp(net_, end);
  }

  void watch(bool on) override {
    watched_ = on;
    if (on && port_.acceptable()) net_.below().post(*this);
  }

  void ready() override {
    if (watched_) net_.below().post(*this);
  }

  void arrived() override {
    if (!watched_) return;
    connection_ready();
    if (watched_ && port_.acceptable()) net_.below().post(*this);
  }

  SimNet& net_;
  PortListener port_;
  bool watched_ = false;
};

}  // namespace

std::unique_ptr<ListenerCore> SimNet::listen(const Address& address, const ListenOptions& options) {
  auto listener = std::make_unique<SimListener>(*this, address, options);
  const int error = listener->listen();
  if (error != 0) throw Error(error, "listen", address.to_string());
  return listener;
}

}  // namespace coracle::net::sim
