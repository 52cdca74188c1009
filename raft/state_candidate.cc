// The rules of one who stands for election. (Raft §5.2; dissertation §3.10, §9.6)
#include <algorithm>

#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

// (TLA+ Timeout; §5.2) A failed election goes back to pre-votes (P6); without them, a split vote is
// followed by the next term with a new draw (K5).
void State::timeout(TimePoint now) {
  CORACLE_CHECK(role_ != Role::leader, "a leader has no election timeout");
  CORACLE_CHECK(now >= election_deadline_, "patience has not ended");
  if (role_ == Role::candidate && !is_durable(hard_state_change_)) {
    // Nobody has been asked yet. Another term would only wait behind this one, and if the disk is
    // slower than the timeout, for ever.
    draw_deadline(now);
    return;
  }
  leader_ = kNobody;
  if (!configuration_.is_voter(identity_.self)) {
    draw_deadline(now);
  } else if (options_.pre_vote) {
    start_pre_vote(now);
  } else {
    start_election(/*transfer=*/false, now);
  }
}

// A follower in every rule, with nothing durable changed. (P1, P8, P10)
void State::start_pre_vote(TimePoint now) {
  if (role_ == Role::candidate) step_down(StepDown::round_failed, now);
  asks_for_pre_votes_ = true;
  enter_next_epoch();
  draw_deadline(now);
  emit({.kind = EventKind::began_pre_vote, .term = term() + 1});
}

void State::begin_election(TimePoint now) {
  CORACLE_CHECK(pre_vote_won(), "a majority would vote for us");
  start_election(/*transfer=*/false, now);
}

// To begin an election, a follower increments its term and votes for itself. (§5.2)
void State::start_election(bool transfer, TimePoint now) {
  asks_for_pre_votes_ = false;
  role_ = Role::candidate;
  leader_ = kNobody;
  leadership_transfer_ = transfer;
  change_hard_state({.term = term() + 1, .vote = identity_.self}, now);
  enter_next_epoch();
  draw_deadline(now);
  emit({.kind = EventKind::became_candidate});
}

bool State::pre_vote_won() const {
  return asks_for_pre_votes_ && configuration_.has_majority(votes());
}

// The own vote counts, and the term is led, only once it is durable. (V11, V14)
bool State::election_won() const {
  return role_ == Role::candidate && is_durable(hard_state_change_) &&
         configuration_.has_majority(votes());
}

std::vector<ServerId> State::votes() const {
  std::vector<ServerId> votes = grants_;
  if (configuration_.is_voter(identity_.self)) votes.push_back(identity_.self);
  return votes;
}

Outgoing<PreVote> State::compose_pre_vote(ServerId voter) {
  CORACLE_CHECK(asks_for_pre_votes_, "only a pre-vote round asks for pre-votes");
  return outgoing(
      PreVote{.header = header_to(voter), .term = term() + 1, .last_log = log_.durable()});
}

// It leaves once the own vote is durable, and all entries are by then: they came before it. (V11)
Outgoing<RequestVote> State::compose_request_vote(ServerId voter) {
  CORACLE_CHECK(role_ == Role::candidate, "only candidates ask for votes");
  return outgoing(RequestVote{.header = header_to(voter),
                              .term = term(),
                              .last_log = log_.last(),
                              .leadership_transfer = leadership_transfer_});
}

// A granted reply names the term asked for, so only a refused one can tell of a later term. A
// refusal of a lower term is a refusal and nothing else. (T1, T3, P3)
void State::handle(const Outgoing<PreVote>& asked, const PreVoteReply& reply, TimePoint now) {
  const bool has_promised = !reply.granted && reply.term > 0;
  if (!accept(asked.message.header, reply.header, has_promised)) return;
  if (!reply.granted && reply.term > term()) return update_term(reply.term, reply.header.from, now);
  if (!still(asked.epoch)) return;
  if (reply.granted && reply.term == asked.message.term) {
    record_grant(reply.header.from, EventKind::received_pre_vote);
  } else {
    emit({.kind = EventKind::missed_pre_vote, .peer = reply.header.from, .refusal = reply.refusal});
  }
}

// (TLA+ HandleRequestVoteResponse; UpdateTerm, DropStaleResponse)
void State::handle(const Outgoing<RequestVote>& asked, const RequestVoteReply& reply,
                   TimePoint now) {
  if (!accept(asked.message.header, reply.header, reply.term > 0)) return;
  if (reply.term > term()) return update_term(reply.term, reply.header.from, now);
  if (!still(asked.epoch)) return;
  if (reply.granted && reply.term == term()) {
    record_grant(reply.header.from, EventKind::received_vote);
  } else {
    emit({.kind = EventKind::missed_vote, .peer = reply.header.from, .refusal = reply.refusal});
  }
}

// Each voter once (V12), however often it answers.
void State::record_grant(ServerId voter, EventKind kind) {
  if (!configuration_.is_voter(voter) || std::ranges::count(grants_, voter) > 0) return;
  grants_.push_back(voter);
  emit({.kind = kind, .peer = voter, .count = votes().size()});
}

}  // namespace coracle::raft
