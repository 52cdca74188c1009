#include <stdexcept>

#include "net/describe_value.h"
#include "net/rpc_fault.h"
#include "net/rpc_method.h"
#include "net/rpc_peer.h"
#include "runtime/log.h"

namespace coracle::net {

RpcReply::RpcReply(RpcPeer& peer, const RpcMessage& call, Semaphore::Permit permit)
    : peer_(&peer), method_(call.method), permit_(std::move(permit)) {
  if (call.kind == MessageKind::request) id_ = call.id;
}

void RpcReply::EndCall::operator()(RpcPeer* peer) const { peer->call_ended(); }

PooledBuffer RpcReply::begin() const { return peer_->take_buffer(); }

PooledBuffer RpcReply::with_fault(std::string_view code, std::string_view text) const {
  PooledBuffer buffer = begin();
  if (id_) {
    Packer out(buffer.bytes());
    pack_fault(out, *id_, code, text);
  } else if (const std::uint64_t count = peer_->count_complaint()) {
    log_warn("rpc_notification_failed peer={} method={} code={} error={} count={}", peer_->name(),
             quoted(method_), quoted(code), quoted(text), count);
  }
  return buffer;
}

PooledBuffer RpcReply::with_failure(const std::exception& failure) const {
  if (const auto* fault = dynamic_cast<const RpcError*>(&failure)) {
    return with_fault(fault->fault().code, fault->fault().text);
  }
  if (dynamic_cast<const Error*>(&failure) == nullptr && id_) {
    log_error("rpc_method_threw peer={} method={} error={}", peer_->name(), quoted(method_),
              quoted(failure.what()));
  }
  return with_fault(kFailed, failure.what());
}

Task<> RpcReply::send(PooledBuffer message) const {
  if (!id_) co_return;
  const std::size_t bytes = message.bytes().size();
  if (bytes > peer_->message_bytes_max()) {
    message.bytes().clear();
    Packer out(message.bytes());
    const std::string size = std::to_string(bytes);
    pack_fault(out, *id_, kTooLarge, "a result of " + size + " bytes is more than a message holds");
  }
  co_await peer_->write(message);
}

}  // namespace coracle::net
