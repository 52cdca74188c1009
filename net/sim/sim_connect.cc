#include <cerrno>
#include <utility>

#include "net/sim/sim_tcp.h"

namespace coracle::net::sim {
namespace {

// Owned by itself, until its operation has been told or has gone.
class SimConnectAttempt final : public ConnectAttempt, private SocketEvents, private Notice {
 public:
  SimConnectAttempt(SimNet& net, ConnectOperation& operation) : net_(net), operation_(operation) {}

  // Returns 0, or an errno value if it failed at once.
  [[nodiscard]] int begin(const Address& address) {
    int error = 0;
    end_ = net_.fabric().connect(net_.kernel(), address, *this, error);
    return error;
  }

  void abandon() override {
    net_.below().withdraw(*this);
    end_->close(/*with_reset=*/false);
    delete this;
  }

 private:
  void ready() override { net_.below().post(*this); }

  void arrived() override {
    ConnectOperation& operation = operation_;
    const int error = end_->take_error();
    if (error == 0) {
      auto* tcp = new SimTcp(net_, *end_);
      delete this;
      operation.done(tcp, 0);
    } else {
      end_->close(/*with_reset=*/false);
      delete this;
      operation.done(nullptr, error);
    }
  }

  SimNet& net_;
  ConnectOperation& operation_;
  Endpoint* end_ = nullptr;
};

}  // namespace

ConnectAttempt* SimNet::connect(const Address& address, ConnectOperation& operation) {
  auto* attempt = new SimConnectAttempt(*this, operation);
  const int error = attempt->begin(address);
  if (error == 0) return attempt;
  delete attempt;
  operation.done(nullptr, error);
  return nullptr;
}

}  // namespace coracle::net::sim
