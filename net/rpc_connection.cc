#include "net/rpc_connection.h"

#include <optional>
#include <utility>

#include "runtime/log.h"

namespace coracle::net {

RpcConnection::RpcConnection(RpcServer& server, Stream stream, const RpcServerOptions& options,
                             std::uint64_t number)
    : RpcPeer(options.limits.message_bytes_max),
      server_(server),
      stream_(std::move(stream)),
      reader_(stream_, options.limits),
      writer_(stream_),
      permits_(options.calls_max) {
  set_number(number);
}

Task<> RpcConnection::read_calls(TaskGroup& group) {
  RpcMessage message;
  for (;;) {
    const Received received = co_await reader_.next(message);
    if (received == Received::end) co_return;
    if (received == Received::malformed) {
      log_warn("rpc_closed peer={} reason=\"{}\"", name(), reader_.malformed());
      group.cancel();
      co_return;
    }
    if (message.kind == MessageKind::response) {
      ignore(message);
      continue;
    }
    // A client with too many calls in progress is not read any further.
    Semaphore::Permit permit = co_await permits_.acquire();
    RpcReply reply(*this, message, std::move(permit));
    std::optional<PooledBuffer> refusal = server_.start(group, reply, message);
    if (refusal) co_await reply.send(*std::move(refusal));
  }
}

void RpcConnection::ignore(const RpcMessage& message) {
  const std::uint64_t count = count_complaint();
  if (count > 0) log_warn("rpc_ignored_response peer={} id={} count={}", name(), message.id, count);
}

}  // namespace coracle::net
