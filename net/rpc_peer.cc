#include "net/rpc_peer.h"

#include <bit>
#include <utility>

#include "net/describe_value.h"
#include "net/message_reader.h"
#include "net/rpc_server.h"
#include "runtime/log.h"

namespace coracle::net {

RpcPeer::RpcPeer(RpcServer& server, Stream stream, std::uint64_t number)
    : server_(server),
      stream_(std::move(stream)),
      number_(number),
      reader_(std::make_unique<MessageReader>(stream_, server.options_.limits)),
      permits_(server.options_.calls_max) {}

RpcPeer::~RpcPeer() {
  while (!at_end_.empty()) {
    const std::function<void()> last = std::move(at_end_.back());
    at_end_.pop_back();
    last();
  }
}

std::size_t RpcPeer::message_bytes_max() const { return server_.options_.limits.message_bytes_max; }

Task<> RpcPeer::read_calls(TaskGroup& group) {
  RpcMessage message;
  for (;;) {
    const Received received = co_await reader_->next(message);
    if (received == Received::end) co_return;
    if (received == Received::malformed) {
      log_warn("rpc_closed peer={} reason=\"{}\"", name(), reader_->malformed());
      group.cancel();
      co_return;
    }
    if (message.kind == MessageKind::response) {
      ignore(message);
      continue;
    }
    // A client with too many calls in progress is not read any further.
    Semaphore::Permit permit = co_await permits_.acquire();
    const std::optional<PooledBuffer> refusal = start(group, message, std::move(permit));
    if (refusal) co_await write(*refusal);
  }
}

// Returns what is to be said to a call that cannot be started.
std::optional<PooledBuffer> RpcPeer::start(TaskGroup& group, const RpcMessage& message,
                                           Semaphore::Permit permit) {
  std::optional<std::uint32_t> id;
  if (message.kind == MessageKind::request) id = message.id;
  const auto found = server_.methods_.find(message.method);
  if (found == server_.methods_.end()) {
    const RpcReply reply(*this, message.method, id, std::move(permit));
    return reply.with_fault(kUnknownMethod, "there is no method " + quoted(message.method));
  }
  RpcReply reply(*this, found->first, id, std::move(permit));
  std::string why;
  if (found->second->start(group, reply, message.params, why)) return std::nullopt;
  return reply.with_fault(kBadParams, why);
}

// Costs nobody anything but a line, and of those only the 1st, 2nd, 4th, 8th ... is written.
void RpcPeer::ignore(const RpcMessage& message) {
  if (!std::has_single_bit(++ignored_)) return;
  log_warn("rpc_ignored_response peer={} id={} count={}", name(), message.id, ignored_);
}

}  // namespace coracle::net
