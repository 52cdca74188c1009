#include <string>
#include <utility>

#include "net/uv/uv_tcp.h"

namespace coracle::net::uv {
namespace {

// Lives until libuv has called back, also when nobody waits any more.
class UvConnectAttempt final : public ConnectAttempt {
 public:
  UvConnectAttempt(UvNet& net, const Address& address, ConnectOperation& operation)
      : net_(net), operation_(&operation), tcp_(new UvTcp(net, address.to_string())) {
    request_.data = this;
  }

  // Returns 0, or -errno if it failed at once.
  [[nodiscard]] int begin(const Address& address) {
    const SocketAddress system = to_system(address);
    return uv_tcp_connect(&request_, tcp_->handle(), system.get(),
                          [](uv_connect_t* request, int status) {
                            static_cast<UvConnectAttempt*>(request->data)->connected(status);
                          });
  }
  // Drops an attempt that did not begin.
  void drop() {
    tcp_->discard();
    delete this;
  }

  // Closing the handle makes libuv call back with ECANCELED.
  void abandon() override {
    operation_ = nullptr;
    std::exchange(tcp_, nullptr)->discard();
  }

 private:
  void connected(int status) {
    Loop& loop = net_.loop();
    if (status != 0 && tcp_ != nullptr) std::exchange(tcp_, nullptr)->discard();
    if (status == 0 && tcp_ != nullptr) uv_tcp_nodelay(tcp_->handle(), 1);
    if (operation_ != nullptr) operation_->done(tcp_, -status);
    delete this;
    loop.run_ready();
  }

  UvNet& net_;
  ConnectOperation* operation_;
  UvTcp* tcp_;
  uv_connect_t request_{};
};

}  // namespace

ConnectAttempt* UvNet::connect(const Address& address, ConnectOperation& operation) {
  auto* attempt = new UvConnectAttempt(*this, address, operation);
  const int code = attempt->begin(address);
  if (code == 0) return attempt;
  attempt->drop();
  operation.done(nullptr, -code);
  return nullptr;
}

}  // namespace coracle::net::uv
