// Linearizable reads that write nothing. (ReadIndex; dissertation §6.4, R1)
#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

bool State::knows_commit_index() const {
  return role_ == Role::leader && log_.at(commit_index_).term == term();
}

// What was committed when it came must be applied; and whoever led then must still have led at a
// time after that, which the round proves.
ReadTicket State::ask_read() {
  CORACLE_CHECK(knows_commit_index(), "reads wait for an entry of the leader's term (R1, B60)");
  const ReadTicket ticket{.round = reads_.ask(), .index = commit_index_};
  confirm_read_rounds();  // at once where it needs nobody else
  return ticket;
}

bool State::needs_read_round(ServerId follower) const {
  return role_ == Role::leader && reads_.is_open() &&
         peers_.at(follower).read_sent < reads_.current();
}

Outgoing<ReadIndex> State::compose_read_index() {
  return outgoing(ReadIndex{.header = header_to(leader_), .term = term()});
}

std::optional<LogIndex> State::handle(const Outgoing<ReadIndex>& asked, const ReadIndexReply& reply,
                                      TimePoint now) {
  if (!accept(asked.message.header, reply.header, reply.term > 0)) return std::nullopt;
  if (reply.term > term()) update_term(reply.term, reply.header.from, now);
  if (!reply.success) return std::nullopt;
  return reply.index;
}

std::optional<Refusal> State::handle(const ReadIndex& request, TimePoint now) {
  if (!accept(request.header, /*has_promised=*/true)) return std::nullopt;
  if (request.term > term()) update_term(request.term, request.header.from, now);
  if (request.term < term()) return Refusal::stale_term;
  return role_ == Role::leader ? Refusal::none : Refusal::not_leader;
}

Outgoing<ReadIndexReply> State::compose_read_index_reply(const ReadIndex& request, Refusal refusal,
                                                         LogIndex index) const {
  return outgoing(ReadIndexReply{.header = answer_to(request.header),
                                 .term = term(),
                                 .success = refusal == Refusal::none,
                                 .refusal = refusal,
                                 .index = index});
}

}  // namespace coracle::raft
