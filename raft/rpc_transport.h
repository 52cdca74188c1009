// Messages between servers as MessagePack-RPC over TCP: what wire.h makes of a message is the one
// parameter of the method that is named after it (`hello`, `pre_vote`, `request_vote`,
// `append_entries`, `timeout_now`, `read_index`), and its result. The only part of raft/ that knows
// net/.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/rpc.h"
#include "net/tcp.h"
#include "raft/options.h"
#include "raft/transport.h"
#include "runtime/condition.h"
#include "runtime/task.h"

namespace coracle::raft {

// Dials every peer and keeps the connection: its own requests go over it, those of the peer come
// over the one that the peer dials. A peer that is down is dialed again after a pause that grows
// up to a second, and at once when it makes itself heard; it is logged once, not at each attempt.
class RpcTransport final : public Transport {
 public:
  // Serves on `listener`; `peers` are the other servers. Messages may be as large as `sizes` makes
  // them, which are those of the node's options.
  //   Requires   a current loop.
  RpcTransport(net::TcpListener listener, const std::map<ServerId, net::Address>& peers,
               const Replication& sizes = {});
  RpcTransport(const RpcTransport&) = delete;
  RpcTransport& operator=(const RpcTransport&) = delete;
  ~RpcTransport() override;

  // The server behind the listener: for methods of the application, such as `status`, registered
  // before run().
  [[nodiscard]] net::RpcServer& server() { return server_; }

  // As in transport.h. Throws Error when the listener fails.
  [[nodiscard]] Task<> run(Service& service) override;
  [[nodiscard]] Task<bool> connected(ServerId peer, TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<PreVoteReply>> call(const PreVote& request,
                                                       TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<RequestVoteReply>> call(const RequestVote& request,
                                                           TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<AppendEntriesReply>> call(const AppendEntries& request,
                                                             TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<ReadIndexReply>> call(const ReadIndex& request,
                                                         TimePoint deadline) override;

 private:
  struct Link;
  struct HelloMethod {
    RpcTransport* transport;
    HelloReply operator()(net::RpcPeer& connection, Hello request) const;
  };

  Task<> keep_connected(Link& link);
  Task<> connect_once(Link& link);
  template <class ReplyMessage, class Request>
  Task<std::optional<ReplyMessage>> exchange(std::string_view method, const Request& request,
                                             TimePoint deadline);
  template <class ReplyMessage, class Request>
  void serve_method(std::string name);
  HelloReply meet(net::RpcPeer& connection, const Hello& request);
  void introduce(net::RpcPeer& connection, ServerId peer);
  void forget(std::uint64_t connection);
  void check_newest(const net::RpcPeer& connection, const RequestHeader& header) const;

  net::TcpListener listener_;
  const net::MessageLimits limits_;
  net::RpcServer server_;
  Service* service_ = nullptr;
  std::map<ServerId, std::unique_ptr<Link>> links_;
  std::map<std::uint64_t, ServerId> introduced_;  // who speaks on each connection to us, by number
  std::map<ServerId, std::uint64_t> newest_;      // the last of a peer's connections to us
};

}  // namespace coracle::raft
