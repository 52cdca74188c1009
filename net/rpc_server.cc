#include "net/rpc_server.h"

#include "runtime/check.h"
#include "runtime/task_group.h"

namespace coracle::net {

void RpcServer::add(std::string name, std::unique_ptr<RpcMethod> method) {
  const bool added = methods_.try_emplace(std::move(name), std::move(method)).second;
  CORACLE_CHECK(added, "a method is registered once");
}

Task<> RpcServer::serve(Stream stream) {
  RpcPeer peer(*this, std::move(stream), ++connections_);
  co_await task_group([&peer](TaskGroup& group) { return peer.read_calls(group); });
}

}  // namespace coracle::net
