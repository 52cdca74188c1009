// One server of a cluster: it follows, stands for election and leads, until it is canceled.
//
//   raft::Storage storage = co_await raft::Storage::open("data", cluster, /*self=*/1);
//   raft::RpcTransport transport(net::TcpListener::listen(address), peers);
//   raft::Node node(std::move(storage), raft::Configuration({1, 2, 3}), transport);
//   co_await node.run();
//
// State (state.h) knows every rule and never waits; the coroutines here wait, and then call it.
// The three roles are in follower.cc, candidate.cc and leader.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "raft/configuration.h"
#include "raft/events.h"
#include "raft/options.h"
#include "raft/state.h"
#include "raft/storage.h"
#include "raft/transport.h"
#include "runtime/condition.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::raft {

// What `status` shows.
struct Status {
  ServerId id = kNobody;
  std::string_view role;  // follower, pre-candidate, candidate, leader
  Term term = 0;
  ServerId leader = kNobody;
  ServerId vote = kNobody;
  LogIndex commit_index = 0;
};

class Node final : private Service {
 public:
  // Takes over what was recovered. Each event is logged, and given to `observer`, which must not
  // call the node. A simulation may draw the timeouts itself (state.h).
  //   Borrows    `transport` for its own life.
  //   Requires   a current loop; valid options (options.h); a log whose last term is not above
  //              that of the storage.
  Node(Storage storage, Configuration configuration, Transport& transport,
       const Options& options = {}, EventSink observer = {}, Log log = {},
       TimeoutSource timeouts = {});

  // Takes part in the cluster.
  //   Returns    never.
  //   Throws     Error when its disk fails: it is of no use to the cluster any more (D3); or when
  //              the transport cannot work.
  //   Canceled   stops whatever it is doing; what it had promised is on disk. Then throws.
  //   Requires   to be awaited once.
  [[nodiscard]] Task<> run();

  [[nodiscard]] Status status() const;
  [[nodiscard]] const State& state() const { return state_; }

 private:
  // ---- Roles. Each runs while its epoch lasts, and ends with at most one call that changes it.
  // ----
  Task<> run_roles();
  Task<> follow();              // follower.cc
  Task<> stand_for_election();  // candidate.cc
  Task<> lead();                // leader.cc

  Task<> await_silence();
  Task<> gather_pre_votes();
  Task<> ask_for_pre_vote(ServerId voter);
  Task<> gather_votes();
  Task<> ask_for_vote(ServerId voter);
  Task<> keep_followers();
  Task<> send_heartbeats(ServerId follower);
  Task<> send_heartbeat(ServerId follower);

  // ---- Waiting (node.cc) ----
  // Runs `task` until it ends or the present epoch does: then it is canceled at once, and joined.
  //   Returns    whether the epoch is still the same.
  Task<bool> while_it_lasts(Task<> task);

  // Waits until something of State changes, or its deadline has passed, and is believed: input
  // that had arrived has been handled by then. So a server that was stopped does not take its own
  // absence for the silence of others. (C3, C8)
  //   Returns    true for a change, false for the deadline.
  using Deadline = TimePoint (State::*)() const;
  Task<bool> changed_before(Deadline deadline);

  // Asks a voter once the question is durable, again and again until it answers, and hands the
  // answer to State. (K8, V11)
  template <class Request>
  Task<> ask(const Outgoing<Request>& asked);
  template <class Request>
  Task<> ask_once(const Outgoing<Request>& asked, TaskGroup& copies);

  Task<> durable(ChangeNumber change);
  Task<> write_changes();

  // After every call that may have changed State: ends the role of an epoch that is over, and
  // wakes whoever waits for what may have changed.
  void state_changed();

  void record(const Event& event) const;

  // ---- Handlers: one State function, then at most one wait for durability ----
  template <class ReplyMessage, class Request>
  Task<std::optional<ReplyMessage>> handle(const Request& request);
  Task<std::optional<PreVoteReply>> answer(const PreVote& request) override;
  Task<std::optional<RequestVoteReply>> answer(const RequestVote& request) override;
  Task<std::optional<AppendEntriesReply>> answer(const AppendEntries& request) override;
  Task<std::optional<TimeoutNowReply>> answer(const TimeoutNow& request) override;
  Hello introduce(ServerId peer) override;
  std::optional<HelloReply> meet(const Hello& request) override;
  bool met(const Hello& asked, const HelloReply& reply) override;
  [[nodiscard]] std::string why_ignored(const RequestHeader& header) const override;

  Storage storage_;
  Transport& transport_;
  const EventSink observer_;
  State state_;

  TaskGroup* role_ = nullptr;  // the scope of the running role
  Epoch role_epoch_{};         // for which it runs

  Condition changed_;         // anything of State
  Condition unsaved_;         // there is a change that is not durable
  Condition became_durable_;  // a change is
};

}  // namespace coracle::raft
