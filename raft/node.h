// One server of a cluster: it follows, stands for election and leads, until it is canceled; and it
// applies what the cluster has committed to the state machine of its service.
//
//   raft::DiskStorage storage = co_await raft::DiskStorage::open("data", cluster, /*self=*/1);
//   raft::RpcTransport transport(net::TcpListener::listen(address), peers);
//   raft::Node node(storage, raft::Configuration({1, 2, 3}), transport, machine);
//   co_await node.run();                                          // in one task, and in others:
//   SharedBytes result = co_await node.propose(SharedBytes("x=1"));  // on the leader
//   co_await node.read_barrier();                                 // now `machine` may be read
//
// State (state.h) knows every rule and never waits; the coroutines here wait, and then call it.
// The three roles are in follower.cc, candidate.cc and leader.cc, clients in node_client.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "raft/applier.h"
#include "raft/configuration.h"
#include "raft/entry_reader.h"
#include "raft/events.h"
#include "raft/options.h"
#include "raft/sessions.h"
#include "raft/state.h"
#include "raft/state_machine.h"
#include "raft/storage.h"
#include "raft/transport.h"
#include "runtime/completion.h"
#include "runtime/condition.h"
#include "runtime/mutex.h"
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
  LogIndex applied_index = 0;
  LogIndex last_index = 0;
};

class Node final : private Service {
 public:
  // Takes over what was recovered. Each event is logged, and given to `observer`, which must not
  // call the node. A simulation may draw the timeouts itself (state.h).
  //   Borrows    `storage`, `transport` and `machine` for its own life.
  //   Requires   a current loop; valid options (options.h); a machine that nothing was applied to.
  Node(Storage& storage, Configuration configuration, Transport& transport, StateMachine& machine,
       const Options& options = {}, EventSink observer = {}, TimeoutSource timeouts = {});

  // Takes part in the cluster.
  //   Returns    never.
  //   Throws     Error when its disk fails: it is of no use to the cluster any more (D3); when the
  //              transport cannot work; and what the state machine throws.
  //   Canceled   stops whatever it is doing; what it had promised is on disk. Then throws.
  //   Requires   to be awaited once.
  [[nodiscard]] Task<> run();

  // ---- For the service, in tasks of its own, while run() runs ----
  // Those that wait borrow this node until they return.

  // Has a command applied on all servers. Waits for its turn while too many bytes of commands are
  // under way (options.h).
  //   Returns    what the state machine answered, once the command is committed and applied here.
  //   Throws     NotLeader: nothing was done. OutcomeUnknown: leadership, or this server, ended
  //              before the result was known; the command may be applied later, or never. Error
  //              (E2BIG) for a command over the limit.
  //   Canceled   throws; like OutcomeUnknown.
  [[nodiscard]] Task<SharedBytes> propose(SharedBytes command);

  // The same for a command of a session: it is applied once, however often and through whatever
  // leader it is proposed (sessions.h).
  //   Throws     also SessionExpired.
  [[nodiscard]] Task<SharedBytes> propose(SharedBytes command, SessionCommand in_session);

  // Open a session, which expires when no command of it has come for so long; keep one alive
  // without a command; close one.
  //   Returns    the session's id, for SessionCommand.
  //   Throws     as propose().
  //   Requires   idle_max > 0.
  [[nodiscard]] Task<SessionId> open_session(Duration idle_max);
  [[nodiscard]] Task<> keep_session(SessionId session);
  [[nodiscard]] Task<> close_session(SessionId session);

  // Waits until this server's state machine includes all that was committed anywhere when the call
  // came: what is read from it then, before the next await, is linearizable. On every server; a
  // follower asks the leader. Reads that come at the same time share their messages. (R1)
  //   Throws     NotLeader when no leader could confirm it: try again, or elsewhere. A leader that
  //              hears no majority notices by check_quorum (options.h); without that it goes on
  //              asking, so bound the wait yourself (runtime/timeout.h).
  //   Canceled   throws.
  [[nodiscard]] Task<> read_barrier();

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
  Task<> send_heartbeat(Outgoing<AppendEntries> asked);
  Task<> send_entries(ServerId follower);
  Task<Outgoing<AppendEntries>> next_entries(ServerId follower);
  Task<> send_batch(Outgoing<AppendEntries> asked);

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
  Task<> apply_committed();
  Task<std::vector<Entry>> committed_entries();

  // After every call that may have changed State: ends the role of an epoch that is over, and
  // wakes whoever waits for what may have changed.
  void state_changed();

  void record(const Event& event) const;

  // ---- Clients (node_client.cc) ----
  struct Done {
    LogIndex index = 0;
    SharedBytes result{};
  };
  Task<Done> propose_entry(EntryKind kind, SharedBytes data);
  void check_size(const SharedBytes& command) const;
  Task<> room_for(std::size_t bytes);
  [[nodiscard]] bool has_room_for(std::size_t bytes) const;
  // The index up to which must be applied what a read sees that came before; nothing when this
  // server does not lead, or leads no more before it is known.
  Task<std::optional<LogIndex>> own_read_index();
  // The same, asked of the leader; many reads share one question.
  Task<std::optional<LogIndex>> leaders_read_index();
  Task<> forward_reads();
  Task<std::optional<LogIndex>> ask_for_read_index();
  void end_clients();

  // ---- Handlers: one State function, then at most one wait for durability ----
  template <class ReplyMessage, class Request>
  Task<std::optional<ReplyMessage>> handle(const Request& request);
  Task<std::optional<PreVoteReply>> answer(const PreVote& request) override;
  Task<std::optional<RequestVoteReply>> answer(const RequestVote& request) override;
  Task<std::optional<AppendEntriesReply>> answer(const AppendEntries& request) override;
  Task<std::optional<TimeoutNowReply>> answer(const TimeoutNow& request) override;
  Task<std::optional<ReadIndexReply>> answer(const ReadIndex& request) override;
  Hello introduce(ServerId peer) override;
  std::optional<HelloReply> meet(const Hello& request) override;
  bool met(const Hello& asked, const HelloReply& reply) override;
  [[nodiscard]] std::string why_ignored(const RequestHeader& header) const override;

  Storage& storage_;
  Transport& transport_;
  Applier applier_;
  EntryReader reader_;
  const EventSink observer_;
  State state_;

  TaskGroup* role_ = nullptr;  // the scope of the running role
  Epoch role_epoch_{};         // for which it runs

  Condition changed_;         // anything of State
  Condition unsaved_;         // there is a change that is not durable
  Condition became_durable_;  // a change is
  Condition committed_;       // there is an entry that is not applied
  Condition applied_;         // an entry is
  Condition to_send_;         // as leader: entries, or room for them on the way
  Condition read_round_;      // as leader: a round of reads began
  Condition read_confirmed_;  // one was confirmed, or the epoch is over

  // What clients wait for.
  bool ended_ = false;
  Mutex proposing_;  // who waits for room, in their order
  Condition room_;
  using Forwarded = std::shared_ptr<Completion<std::optional<LogIndex>>>;
  std::vector<Forwarded> forwarded_reads_;
  Condition read_forwarded_;
};

}  // namespace coracle::raft
