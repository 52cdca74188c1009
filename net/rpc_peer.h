// A client of an RpcServer, as its methods see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "net/buffer_pool.h"
#include "runtime/task.h"

namespace coracle::net {

// One connection, and lives as long as any call of it; or, where calls come as datagrams, the
// sender of one call.
class RpcPeer {
 public:
  // Returns who it is, for logs: `10.0.0.7:51234`.
  [[nodiscard]] virtual const std::string& name() const = 0;
  // Returns its number among all connections (and calls by datagram) that the server has had: 1, 2,
  // 3, ...
  [[nodiscard]] std::uint64_t number() const { return number_; }

  // Runs `function` when the connection has ended and its calls have, too, in the reverse order of
  // these requests: for what a service keeps for each client.
  //   Requires   that it does not throw; that what it refers to outlives the connection.
  void at_end(std::function<void()> function) { at_end_.push_back(std::move(function)); }

  // Mechanism, for RpcReply -----------------------------------------------------------------------

  RpcPeer(const RpcPeer&) = delete;
  RpcPeer& operator=(const RpcPeer&) = delete;

  // Sends a message to it.
  //   Borrows    `message` until it returns.
  [[nodiscard]] virtual Task<> write(const PooledBuffer& message) = 0;
  // A call of it has been answered, or was canceled.
  virtual void call_ended() = 0;
  // Counts what it did that goes into the log; of that only the 1st, 2nd, 4th, 8th ... is written,
  // for it may go on for ever.
  //   Returns    the count where it is to be written, else 0.
  [[nodiscard]] virtual std::uint64_t count_complaint() = 0;
  [[nodiscard]] PooledBuffer take_buffer() { return buffers_.take(); }
  [[nodiscard]] std::size_t message_bytes_max() const { return message_bytes_max_; }

 protected:
  explicit RpcPeer(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}
  virtual ~RpcPeer() = default;

  void set_number(std::uint64_t number) { number_ = number; }
  // Runs what was asked for by at_end(). A destructor does that first.
  void end();

 private:
  BufferPool buffers_;
  const std::size_t message_bytes_max_;
  std::uint64_t number_ = 0;
  std::vector<std::function<void()>> at_end_;
};

}  // namespace coracle::net
