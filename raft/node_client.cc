// What a service asks of its node: commands, sessions and reads. (Raft §8; dissertation §6)
#include <algorithm>
#include <cerrno>
#include <utility>

#include "raft/node.h"
#include "raft/proposal_errors.h"
#include "runtime/check.h"
#include "runtime/wall_time.h"

namespace coracle::raft {

// ---- Commands ----

Task<SharedBytes> Node::propose(SharedBytes command) {
  check_size(command);
  const Done done = co_await propose_entry(EntryKind::command, std::move(command));
  co_return done.result;
}

Task<SharedBytes> Node::propose(SharedBytes command, SessionCommand in_session) {
  check_size(command);
  SharedBytes data = encode(in_session, command);
  const Done done = co_await propose_entry(EntryKind::session_command, std::move(data));
  co_return done.result;
}

Task<SessionId> Node::open_session(Duration idle_max) {
  CORACLE_CHECK(idle_max > Duration::zero(), "a session lives for a while");
  SharedBytes data = encode(OpenSession{.idle_max = idle_max});
  const Done done = co_await propose_entry(EntryKind::session, std::move(data));
  co_return done.index;
}

Task<> Node::keep_session(SessionId session) {
  SharedBytes data = encode(KeepSession{.session = session});
  co_await propose_entry(EntryKind::session, std::move(data));
}

Task<> Node::close_session(SessionId session) {
  SharedBytes data = encode(CloseSession{.session = session});
  co_await propose_entry(EntryKind::session, std::move(data));
}

Task<Node::Done> Node::propose_entry(EntryKind kind, SharedBytes data) {
  const std::size_t bytes = bytes_of(Entry{.data = data});
  if (proposing_.locked() || !has_room_for(bytes)) co_await room_for(bytes);
  if (ended_ || state_.role() != Role::leader) throw NotLeader("propose", state_.leader());
  Proposal proposal;
  const bool is_first_undurable = state_.is_durable(state_.last_change());
  const LogPosition at =
      state_.append(kind, std::move(data), now(), wall_time_now().time_since_epoch().count());
  state_.proposals().add(at.index, bytes, proposal);
  if (is_first_undurable) changed_.notify_all();  // its deadline has moved (C8)
  unsaved_.notify_one();
  to_send_.notify_all();
  SharedBytes result = co_await proposal.result.wait();
  co_return Done{.index = at.index, .result = std::move(result)};
}

void Node::check_size(const SharedBytes& command) const {
  const std::size_t most = state_.options().replication.command_bytes_max;
  if (command.size() <= most) return;
  throw Error(
      E2BIG, "propose",
      "(" + std::to_string(command.size()) + " bytes, allowed are " + std::to_string(most) + ")");
}

// One that is larger than all room waits until there is nothing else.
bool Node::has_room_for(std::size_t bytes) const {
  const std::size_t taken = state_.proposals().bytes();
  return taken == 0 || taken + bytes <= state_.options().replication.proposal_bytes_max;
}

Task<> Node::room_for(std::size_t bytes) {
  const Mutex::Guard turn = co_await proposing_.lock();
  while (!ended_ && state_.role() == Role::leader && !has_room_for(bytes)) co_await room_.wait();
}

// Whoever waits is told that nobody is going to answer.
void Node::end_clients() {
  ended_ = true;
  state_.proposals().fail_all(std::make_exception_ptr(OutcomeUnknown("propose")));
  for (const Forwarded& read : std::exchange(forwarded_reads_, {})) {
    if (!read->decided()) read->complete(std::nullopt);
  }
  room_.notify_all();
  applied_.notify_all();
  read_confirmed_.notify_all();
}

// ---- Reads ----

Task<> Node::read_barrier() {
  std::optional<LogIndex> index;
  if (state_.role() == Role::leader) {
    index = co_await own_read_index();
  } else {
    index = co_await leaders_read_index();
  }
  if (!index) throw NotLeader("read", state_.leader());
  while (!ended_ && state_.applied_index() < *index) co_await applied_.wait();
  if (ended_) throw NotLeader("read", kNobody);
}

Task<std::optional<LogIndex>> Node::own_read_index() {
  const Epoch epoch = state_.epoch();
  const auto leads = [&] {
    return !ended_ && state_.still(epoch) && state_.role() == Role::leader;
  };
  while (leads() && !state_.knows_commit_index()) co_await read_confirmed_.wait();
  if (!leads()) co_return std::nullopt;
  const ReadTicket ticket = state_.ask_read();
  read_round_.notify_all();
  while (leads() && !state_.read_confirmed(ticket.round)) co_await read_confirmed_.wait();
  if (!leads()) co_return std::nullopt;
  co_return ticket.index;
}

Task<std::optional<LogIndex>> Node::leaders_read_index() {
  if (ended_) co_return std::nullopt;
  const auto answer = std::make_shared<Completion<std::optional<LogIndex>>>();
  forwarded_reads_.push_back(answer);
  read_forwarded_.notify_one();
  co_return co_await answer->wait();
}

// What comes while one question is under way is asked with the next: it must be asked after it
// came.
Task<> Node::forward_reads() {
  for (;;) {
    while (forwarded_reads_.empty()) co_await read_forwarded_.wait();
    struct Reads {
      ~Reads() {
        for (const Forwarded& read : waiting) {
          if (!read->decided()) read->complete(std::nullopt);
        }
      }
      std::vector<Forwarded> waiting;
    } const reads{std::exchange(forwarded_reads_, {})};
    const std::optional<LogIndex> index = co_await ask_for_read_index();
    for (const Forwarded& read : reads.waiting) read->complete(index);
  }
}

Task<std::optional<LogIndex>> Node::ask_for_read_index() {
  const ServerId leader = state_.leader();
  if (leader == kNobody || leader == state_.identity().self) co_return std::nullopt;
  const Outgoing<ReadIndex> asked = state_.compose_read_index();
  co_await durable(asked.after);
  const TimePoint deadline = deadline_after(now(), state_.options().timing.timeout_max);
  const std::optional<ReadIndexReply> reply = co_await transport_.call(asked.message, deadline);
  if (!reply) co_return std::nullopt;
  const std::optional<LogIndex> index = state_.handle(asked, *reply, now());
  state_changed();
  co_return index;
}

Task<std::optional<ReadIndexReply>> Node::answer(const ReadIndex& request) {
  const std::optional<Refusal> refused = state_.handle(request, now());
  state_changed();
  if (!refused) co_return std::nullopt;
  Refusal refusal = *refused;
  std::optional<LogIndex> index;
  if (refusal == Refusal::none) {
    index = co_await own_read_index();
    if (!index) refusal = Refusal::not_leader;
  }
  const Outgoing<ReadIndexReply> reply =
      state_.compose_read_index_reply(request, refusal, index.value_or(0));
  co_await durable(reply.after);
  co_return reply.message;
}

}  // namespace coracle::raft
