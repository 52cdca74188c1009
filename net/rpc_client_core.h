// What an RpcClient's calls share: the connection, who waits on it, and whose turn it is to read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "net/buffer_pool.h"
#include "net/rare_lines.h"
#include "net/rpc_call.h"
#include "net/rpc_client.h"
#include "net/rpc_link.h"
#include "runtime/semaphore.h"

namespace coracle::net {

class RpcClientCore {
 public:
  RpcClientCore(std::unique_ptr<RpcLink> link, const RpcClientOptions& options);
  RpcClientCore(const RpcClientCore&) = delete;
  RpcClientCore& operator=(const RpcClientCore&) = delete;
  ~RpcClientCore();

  // As the functions of rpc_call.h and RpcClient.
  Task<> exchange(RpcCall& call, PooledBuffer& request);
  Task<> send(PooledBuffer notification);
  Task<std::string> closed();

  [[nodiscard]] BufferPool& buffers() { return buffers_; }
  [[nodiscard]] bool is_open() const { return !end_; }
  [[nodiscard]] const std::string& peer_name() const { return link_->peer_name(); }

 private:
  // Why there is no connection any more.
  struct End {
    std::error_code code;
    std::string why;
  };
  class InFlight;
  class ReaderTurn;
  class Waiting;

  Task<> send_and_wait(RpcCall& call, PooledBuffer& request);
  Task<> send_request(RpcCall& call, PooledBuffer& request);
  Task<> wait_and_repeat(RpcCall& call, PooledBuffer& request);
  Task<> wait_for(RpcWaiter& waiter);
  void pass_turn();
  Task<> read_until_done(RpcWaiter& waiter);
  void dispatch(const RpcMessage& message);
  void enlist(RpcCall& call);
  void stray(const RpcMessage& message);
  void refuse_calls(std::error_code code);
  void end(std::error_code code, std::string why);
  void check_open(const PooledBuffer& message) const;
  [[nodiscard]] std::string describe(const PooledBuffer& message) const;
  [[nodiscard]] RpcCall*& slot(std::uint32_t id) { return slots_[id % slots_.size()]; }

  RpcClientOptions options_;
  const std::unique_ptr<RpcLink> link_;
  BufferPool buffers_;
  Semaphore permits_;
  std::vector<RpcCall*> slots_;  // calls in flight, each at its id modulo the size
  std::uint32_t next_id_;
  const std::uint32_t first_id_;
  WaitList<RpcWaiter> waiting_;  // all that wait while another one reads
  bool reading_ = false;
  RareLines strays_;
  std::optional<End> end_;
};

}  // namespace coracle::net
