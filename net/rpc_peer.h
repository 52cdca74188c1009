// A client of an RpcServer: one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/buffer_pool.h"
#include "net/rpc_message.h"
#include "net/stream.h"
#include "runtime/semaphore.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::net {

class MessageReader;
class RpcServer;

// Lives as long as any call of it.
class RpcPeer {
 public:
  // Returns who it is, for logs: `10.0.0.7:51234`.
  [[nodiscard]] const std::string& name() const { return stream_.peer_name(); }
  // Returns its number among all connections that the server has had: 1, 2, 3, ...
  [[nodiscard]] std::uint64_t number() const { return number_; }

  // Mechanism, for RpcServer and RpcReply ---------------------------------------------------------

  RpcPeer(RpcServer& server, Stream stream, std::uint64_t number);
  RpcPeer(const RpcPeer&) = delete;
  RpcPeer& operator=(const RpcPeer&) = delete;
  ~RpcPeer();

  // Reads calls and starts them in `group` until there will be no more.
  [[nodiscard]] Task<> read_calls(TaskGroup& group);
  [[nodiscard]] WriteOperation write(const PooledBuffer& message) {
    return stream_.write(message.bytes());
  }
  [[nodiscard]] PooledBuffer take_buffer() { return buffers_.take(); }
  [[nodiscard]] std::size_t message_bytes_max() const;

 private:
  std::optional<PooledBuffer> start(TaskGroup& group, const RpcMessage& message,
                                    Semaphore::Permit permit);
  void ignore(const RpcMessage& message);

  RpcServer& server_;
  Stream stream_;
  std::uint64_t number_;
  std::unique_ptr<MessageReader> reader_;
  BufferPool buffers_;
  Semaphore permits_;
  std::uint64_t ignored_ = 0;
};

}  // namespace coracle::net
