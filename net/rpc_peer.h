// A client of an RpcServer: one connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

  // Runs `function` when the connection has ended and its calls have, too, in the reverse order of
  // these requests: for what a service keeps for each client.
  //   Requires   that it does not throw; that what it refers to outlives the connection.
  void at_end(std::function<void()> function) { at_end_.push_back(std::move(function)); }

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
  std::vector<std::function<void()>> at_end_;
};

}  // namespace coracle::net
