// Sits between a node and its transport: sees each message at both of its ends, and can lose, delay
// or repeat it. Neither of the two knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "raft/sim/facts.h"
#include "raft/sim/message.h"
#include "raft/sim/message_faults.h"
#include "raft/transport.h"
#include "runtime/condition.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::raft::sim {

// A request that was handled.
struct Handled {
  Message request;
  Message reply;
  Facts before;  // just before the node got it
  Facts after;
  bool at_once = false;  // nothing else of this server ran in between
};

// Who is told of messages, inside the process of the server that is named.
class WireObserver {
 public:
  // Returns    what the server's node is like.
  [[nodiscard]] virtual Facts facts(ServerId self) = 0;
  // Returns    the generator that decides fates.
  [[nodiscard]] virtual Random& chances() = 0;

  virtual void sends(ServerId self, const Message& message) = 0;     // it is about to leave
  virtual void receives(ServerId self, const Message& message) = 0;  // about to get it
  virtual void loses(ServerId self, const Message& message) = 0;     // it is not going to get it
  virtual void handled(ServerId self, const Handled& handled) = 0;   // before the reply leaves

 protected:
  ~WireObserver() = default;
};

using Request = std::variant<PreVote, RequestVote, AppendEntries, TimeoutNow, ReadIndex>;

class WireTap final : public Transport, private Service {
 public:
  // Borrows all three for its own life.
  WireTap(ServerId self, Transport& inner, MessageFaults& faults, WireObserver& observer)
      : self_(self), inner_(inner), faults_(faults), observer_(observer) {}

  // Hands a request to the node, as if a peer had sent it; its reply goes nowhere.
  //   Requires   the loop of its process as the current one.
  void post(Request request);

  // As in transport.h.
  [[nodiscard]] Task<> run(Service& service) override;
  [[nodiscard]] Task<bool> connected(ServerId peer, TimePoint deadline) override {
    return inner_.connected(peer, deadline);
  }
  [[nodiscard]] Task<std::optional<PreVoteReply>> call(const PreVote& request,
                                                       TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<RequestVoteReply>> call(const RequestVote& request,
                                                           TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<AppendEntriesReply>> call(const AppendEntries& request,
                                                             TimePoint deadline) override;
  [[nodiscard]] Task<std::optional<ReadIndexReply>> call(const ReadIndex& request,
                                                         TimePoint deadline) override;

 private:
  struct HeldReply;

  template <class Reply, class Asked>
  Task<std::optional<Reply>> send(const Asked& request, TimePoint deadline);
  template <class Reply>
  Task<std::optional<Reply>> take(Reply reply, TimePoint deadline);
  template <class Reply, class Asked>
  Task<std::optional<Reply>> receive(const Asked& request);
  template <class Reply, class Asked>
  Task<std::optional<Reply>> hand_over(const Asked& request);
  Task<> hand_over_posted(TaskGroup& group);
  Task<> answer_posted(Request request);

  Task<std::optional<PreVoteReply>> answer(const PreVote& request) override;
  Task<std::optional<RequestVoteReply>> answer(const RequestVote& request) override;
  Task<std::optional<AppendEntriesReply>> answer(const AppendEntries& request) override;
  Task<std::optional<TimeoutNowReply>> answer(const TimeoutNow& request) override;
  Task<std::optional<ReadIndexReply>> answer(const ReadIndex& request) override;
  Hello introduce(ServerId peer) override { return service_->introduce(peer); }
  std::optional<HelloReply> meet(const Hello& request) override { return service_->meet(request); }
  bool met(const Hello& asked, const HelloReply& reply) override {
    return service_->met(asked, reply);
  }
  [[nodiscard]] std::string why_ignored(const RequestHeader& header) const override {
    return service_->why_ignored(header);
  }

  const ServerId self_;
  Transport& inner_;
  MessageFaults& faults_;
  WireObserver& observer_;
  Service* service_ = nullptr;
  std::map<RequestId, HeldReply*> held_;  // that are to be repeated
  std::vector<Request> posted_;
  Condition something_posted_;
};

}  // namespace coracle::raft::sim
