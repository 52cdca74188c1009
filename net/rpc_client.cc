#include "net/rpc_client.h"

#include "net/rpc_client_core.h"
#include "net/tcp.h"

namespace coracle::net {

Task<> exchange(RpcClientCore& core, RpcCall& call, PooledBuffer& request) {
  return core.exchange(call, request);
}

Task<> send_notification(RpcClientCore& core, PooledBuffer notification) {
  return core.send(std::move(notification));
}

PooledBuffer begin_call(RpcClientCore& core, std::string_view method, std::size_t params) {
  PooledBuffer request = core.buffers().take();
  Packer out(request.bytes());
  begin_request_without_id(out, method, params);
  return request;
}

PooledBuffer begin_note(RpcClientCore& core, std::string_view method, std::size_t params) {
  PooledBuffer notification = core.buffers().take();
  Packer out(notification.bytes());
  begin_notification(out, method, params);
  return notification;
}

RpcClient::RpcClient(Stream stream, const RpcClientOptions& options)
    : core_(
          std::make_unique<RpcClientCore>(link_over(std::move(stream), options.limits), options)) {}

RpcClient::RpcClient(UdpSocket socket, const RpcClientOptions& options)
    : core_(
          std::make_unique<RpcClientCore>(link_over(std::move(socket), options.limits), options)) {}

RpcClient::RpcClient(RpcClient&&) noexcept = default;
RpcClient& RpcClient::operator=(RpcClient&&) noexcept = default;
RpcClient::~RpcClient() = default;

Task<RpcClient> RpcClient::connect(Address address, RpcClientOptions options) {
  TcpStream stream = co_await TcpStream::connect(address);
  co_return RpcClient(std::move(stream), options);
}

Task<std::string> RpcClient::closed() { return core_->closed(); }

bool RpcClient::is_open() const { return core_->is_open(); }

const std::string& RpcClient::peer_name() const { return core_->peer_name(); }

}  // namespace coracle::net
