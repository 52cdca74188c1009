// How messages travel between servers: the interface that a node sees.
#pragma once

#include <optional>
#include <string>

#include "raft/messages.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle::raft {

// What a transport delivers to: a server. Each answer comes once what it tells is durable, or not
// at all where the request was not meant for this server.
//   Canceled   throws; what the request had changed stays changed.
//   Borrows    the request until it returns.
class Service {
 public:
  [[nodiscard]] virtual Task<std::optional<PreVoteReply>> answer(const PreVote& request) = 0;
  [[nodiscard]] virtual Task<std::optional<RequestVoteReply>> answer(
      const RequestVote& request) = 0;
  [[nodiscard]] virtual Task<std::optional<AppendEntriesReply>> answer(
      const AppendEntries& request) = 0;
  [[nodiscard]] virtual Task<std::optional<TimeoutNowReply>> answer(const TimeoutNow& request) = 0;
  [[nodiscard]] virtual Task<std::optional<ReadIndexReply>> answer(const ReadIndex& request) = 0;

  // What comes first on each new connection: an introduction, and the answer to it; nothing, or
  // false, where the other side is not who it should be.
  [[nodiscard]] virtual Hello introduce(ServerId peer) = 0;
  [[nodiscard]] virtual std::optional<HelloReply> meet(const Hello& request) = 0;
  [[nodiscard]] virtual bool met(const Hello& asked, const HelloReply& reply) = 0;

  // Returns why a request was not answered, in one word or two.
  [[nodiscard]] virtual std::string why_ignored(const RequestHeader& header) const = 0;

 protected:
  ~Service() = default;
};

// Carries requests to peers, and the requests of peers to the service. Loses messages as networks
// do; never changes one, and never answers in a peer's name.
class Transport {
 public:
  virtual ~Transport() = default;

  // Connects to the peers and serves their requests.
  //   Returns    never.
  //   Throws     Error when this server cannot be reached at all; trouble with one peer ends here.
  //   Canceled   ends all connections, then throws.
  //   Borrows    `service` until it has ended.
  [[nodiscard]] virtual Task<> run(Service& service) = 0;

  // Waits until there is a connection to the peer over which it was met.
  //   Returns    true, or false when the deadline came first.
  //   Canceled   throws.
  [[nodiscard]] virtual Task<bool> connected(ServerId peer, TimePoint deadline) = 0;

  // Sends a request to its addressee, and waits for the reply.
  //   Returns    the reply; nothing when there is no connection, when it ends first, when the peer
  //              does not want the request, or when `deadline` comes first.
  //   Canceled   throws; the request may have arrived.
  //   Borrows    `request` until it returns.
  [[nodiscard]] virtual Task<std::optional<PreVoteReply>> call(const PreVote& request,
                                                               TimePoint deadline) = 0;
  [[nodiscard]] virtual Task<std::optional<RequestVoteReply>> call(const RequestVote& request,
                                                                   TimePoint deadline) = 0;
  [[nodiscard]] virtual Task<std::optional<AppendEntriesReply>> call(const AppendEntries& request,
                                                                     TimePoint deadline) = 0;
  [[nodiscard]] virtual Task<std::optional<ReadIndexReply>> call(const ReadIndex& request,
                                                                 TimePoint deadline) = 0;
};

}  // namespace coracle::raft
