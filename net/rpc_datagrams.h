// The calls that come to one UDP socket, each in a datagram of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/datagram_decoder.h"
#include "net/rare_lines.h"
#include "net/rpc_peer.h"
#include "net/rpc_server.h"
#include "net/udp.h"
#include "runtime/semaphore.h"
#include "runtime/task_group.h"

namespace coracle::net {

class RpcDatagrams {
 public:
  // `connections` counts the calls.
  RpcDatagrams(RpcServer& server, UdpSocket socket, const RpcServerOptions& options,
               std::uint64_t& connections);
  RpcDatagrams(const RpcDatagrams&) = delete;
  RpcDatagrams& operator=(const RpcDatagrams&) = delete;
  ~RpcDatagrams();

  // Reads calls and starts them in `group`, for ever.
  [[nodiscard]] Task<> read_calls(TaskGroup& group);

 private:
  class Sender;

  [[nodiscard]] Task<Address> receive(RpcMessage& message);
  [[nodiscard]] Task<> start(TaskGroup& group, const RpcMessage& message, const Address& from,
                             Semaphore::Permit permit);
  [[nodiscard]] Task<> send(std::span<const std::byte> message, const Sender& to);
  // Whether this very call has not been answered yet.
  [[nodiscard]] bool in_progress(const RpcMessage& message, const Address& from) const;
  [[nodiscard]] Sender& take_sender(const RpcMessage& message, const Address& from);
  void give_back(Sender& sender);
  void drop(const std::string& from, const std::string& why);

  RpcServer& server_;
  UdpSocket socket_;
  const std::size_t message_bytes_max_;
  DatagramDecoder decoder_;
  Semaphore permits_;
  std::uint64_t& connections_;
  RareLines complaints_;
  const std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(kDatagramBytesMax);
  std::vector<std::unique_ptr<Sender>> senders_;  // all that there are
  std::vector<Sender*> idle_;
  std::vector<Sender*> busy_;  // by the call's id modulo the size: the first of a chain
};

}  // namespace coracle::net
