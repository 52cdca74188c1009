#include "net/rpc_server.h"

#include "net/describe_value.h"
#include "net/rpc_connection.h"
#include "net/rpc_datagrams.h"

#include "runtime/check.h"
#include "runtime/task_group.h"

namespace coracle::net {

void RpcServer::add(std::string name, std::unique_ptr<RpcMethod> method) {
  const bool added = methods_.try_emplace(std::move(name), std::move(method)).second;
  CORACLE_CHECK(added, "a method is registered once");
}

Task<> RpcServer::serve(Stream stream) {
  RpcConnection connection(*this, std::move(stream), options_, ++connections_);
  co_await task_group([&connection](TaskGroup& group) { return connection.read_calls(group); });
}

Task<> RpcServer::serve_datagrams(UdpSocket socket) {
  RpcDatagrams datagrams(*this, std::move(socket), options_, connections_);
  co_await task_group([&datagrams](TaskGroup& group) { return datagrams.read_calls(group); });
}

std::optional<PooledBuffer> RpcServer::start(TaskGroup& group, RpcReply& reply,
                                             const RpcMessage& message) {
  const auto found = methods_.find(message.method);
  if (found == methods_.end()) {
    return reply.with_fault(kUnknownMethod, "there is no method " + quoted(message.method));
  }
  reply.set_method(found->first);
  std::string why;
  if (found->second->start(group, reply, message.params, why)) return std::nullopt;
  return reply.with_fault(kBadParams, why);
}

}  // namespace coracle::net
