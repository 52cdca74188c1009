// The calls that come over one stream.
#pragma once

#include <cstdint>
#include <string>

#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/rare_lines.h"
#include "net/rpc_peer.h"
#include "net/rpc_server.h"
#include "net/stream.h"
#include "runtime/semaphore.h"
#include "runtime/task_group.h"

namespace coracle::net {

class RpcConnection final : public RpcPeer {
 public:
  RpcConnection(RpcServer& server, Stream stream, const RpcServerOptions& options,
                std::uint64_t number);
  ~RpcConnection() override { end(); }

  [[nodiscard]] const std::string& name() const override { return stream_.peer_name(); }
  [[nodiscard]] Task<> write(const PooledBuffer& message) override {
    return writer_.write(message.bytes());
  }
  void call_ended() override {}
  [[nodiscard]] std::uint64_t count_complaint() override { return complaints_.count(); }

  // Reads calls and starts them in `group` until there will be no more.
  [[nodiscard]] Task<> read_calls(TaskGroup& group);

 private:
  void ignore(const RpcMessage& message);

  RpcServer& server_;
  Stream stream_;
  MessageReader reader_;
  MessageWriter writer_;
  Semaphore permits_;
  RareLines complaints_;
};

}  // namespace coracle::net
