// The rules of one who is asked for a vote. (Raft §5.2, §5.4.1; dissertation §4.2.3, §9.6)
#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

// (TLA+ HandleRequestVoteRequest) The rule for a leader that is alive comes before the term is
// adopted: that is what keeps a server that was cut off from deposing anyone. (T1, V8)
Reply<RequestVoteReply> State::handle(const RequestVote& request, TimePoint now) {
  if (!accept(request.header, /*has_promised=*/true)) return std::nullopt;
  const ServerId candidate = request.header.from;
  const bool held_off =
      request.term >= term() && !request.leadership_transfer && leader_is_alive(candidate, now);
  if (request.term > term() && !held_off) update_term(request.term, candidate, now);

  const Refusal refusal = held_off ? Refusal::leader_alive : refusal_of(request);
  if (refusal == Refusal::none) {
    grant_vote(candidate, now);
  } else {
    emit({.kind = EventKind::refused_vote,
          .peer = candidate,
          .term = request.term,
          .refusal = refusal});
  }
  return outgoing(RequestVoteReply{.header = answer_to(request.header),
                                   .term = term(),
                                   .granted = refusal == Refusal::none,
                                   .refusal = refusal});
}

// (V1, V3) Once the term is adopted; by log and term alone, never by configuration (V9).
Refusal State::refusal_of(const RequestVote& request) const {
  if (request.term < term()) return Refusal::stale_term;
  if (vote() != kNobody && vote() != request.header.from) return Refusal::voted_for_another;
  if (request.last_log < log_.last()) return Refusal::log_behind;
  return Refusal::none;
}

// Whoever votes waits for the outcome, so its own round and its timer start over. (V4)
void State::grant_vote(ServerId candidate, TimePoint now) {
  CORACLE_CHECK(role_ == Role::follower, "who stands or leads has voted for itself");
  CORACLE_CHECK(vote() == kNobody || vote() == candidate, "one vote per term (Raft §5.2)");
  end_pre_vote();
  if (vote() == kNobody) change_hard_state({.term = term(), .vote = candidate}, now);
  draw_deadline(now);
  emit({.kind = EventKind::granted_vote, .peer = candidate});
}

// Changes nothing: no term, no vote, no timer. (P1)
Reply<PreVoteReply> State::handle(const PreVote& request, TimePoint now) {
  const bool has_promised = request.term > 1 || request.last_log.index > 0;
  if (!accept(request.header, has_promised)) return std::nullopt;
  const Refusal refusal = refusal_of(request, now);
  const bool granted = refusal == Refusal::none;
  emit({.kind = granted ? EventKind::granted_pre_vote : EventKind::refused_pre_vote,
        .peer = request.header.from,
        .term = request.term,
        .refusal = refusal});
  return outgoing(PreVoteReply{.header = answer_to(request.header),
                               .term = granted ? request.term : term(),
                               .granted = granted,
                               .refusal = refusal});
}

// (P2)
Refusal State::refusal_of(const PreVote& request, TimePoint now) const {
  const ServerId candidate = request.header.from;
  if (request.term < term()) return Refusal::stale_term;
  if (leader_is_alive(candidate, now)) return Refusal::leader_alive;
  const bool is_free = request.term > term() || vote() == kNobody || vote() == candidate;
  if (!is_free) return Refusal::voted_for_another;
  if (request.last_log < log_.last()) return Refusal::log_behind;
  return Refusal::none;
}

// A leader is taken to be alive for one shortest timeout after it was heard, except by itself: if
// it asks, it leads no more (V8, P4). A leader takes itself to be alive for as long after it heard
// a majority (V7).
bool State::leader_is_alive(ServerId asker, TimePoint now) const {
  if (!options_.sticky_leader) return false;
  const Duration patience = options_.timing.timeout_min;
  if (role_ == Role::leader) return now < deadline_after(quorum_contact(), patience);
  return last_contact_ && asker != last_leader_ && now < deadline_after(*last_contact_, patience);
}

// (Dissertation §3.10) Only the leader of the term, once heard as such, may ask for it.
Reply<TimeoutNowReply> State::handle(const TimeoutNow& request, TimePoint now) {
  if (!accept(request.header, /*has_promised=*/true)) return std::nullopt;
  const ServerId sender = request.header.from;
  if (request.term > term()) update_term(request.term, sender, now);
  const Refusal refusal = refusal_of(request);
  const Term answered_in = term();
  if (refusal == Refusal::none) {
    emit({.kind = EventKind::accepted_transfer, .peer = sender});
    start_election(/*transfer=*/true, now);
  } else {
    emit({.kind = EventKind::refused_transfer,
          .peer = sender,
          .term = request.term,
          .refusal = refusal});
  }
  // The term of the request: a later one would depose the leader before it has been asked for its
  // vote, and by a reply instead of by an election.
  return outgoing(TimeoutNowReply{.header = answer_to(request.header),
                                  .term = answered_in,
                                  .accepted = refusal == Refusal::none,
                                  .refusal = refusal});
}

Refusal State::refusal_of(const TimeoutNow& request) const {
  if (request.term < term()) return Refusal::stale_term;
  if (leader_ != request.header.from) return Refusal::not_leader;
  if (!configuration_.is_voter(identity_.self)) return Refusal::not_voter;
  return Refusal::none;
}

}  // namespace coracle::raft
