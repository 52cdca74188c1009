#include "raft/sim/handler_rules.h"

#include "runtime/check.h"

namespace coracle::raft::sim {
namespace {

// P1: a pre-vote changes nothing, at neither side.
// T2: nor does a request of a lower term.
// V8: nor does a request for a vote that is held off by a leader that is alive.
void check_unchanged(const Handled& handled) {
  if (!handled.at_once) return;
  const Facts& before = handled.before;
  const Facts& after = handled.after;
  CORACLE_CHECK(after.term == before.term, "this request changes no term (P1, T2, V8)");
  CORACLE_CHECK(after.vote == before.vote, "this request changes no vote (P1, T2, V8)");
  CORACLE_CHECK(after.last_change == before.last_change, "this request changes nothing durable");
  CORACLE_CHECK(after.role == before.role, "this request changes no role (P1, T2, V8)");
  CORACLE_CHECK(after.epoch == before.epoch, "this request ends no round (P1, T2, V8)");
  CORACLE_CHECK(after.election_deadline == before.election_deadline,
                "this request moves no timer (V4, P1, B17)");
}

// V4, V5: a refusal moves no timer, except that a leader that is deposed had none.
void check_refused_vote(const Handled& handled) {
  if (!handled.at_once || handled.before.role == Role::leader) return;
  CORACLE_CHECK(handled.after.election_deadline == handled.before.election_deadline,
                "a refused vote moves no timer (V4, V5)");
}

// V1, V3: by term, vote and log, whoever asks and however often.
void check_granted_vote(const Handled& handled) {
  const Message& request = handled.request;
  const Facts& before = handled.before;
  CORACLE_CHECK(handled.reply.term == request.term, "a vote is of the term that was asked for");
  CORACLE_CHECK(request.term >= before.term, "no vote in a term that is over (Raft Figure 2)");
  CORACLE_CHECK(request.log >= before.last_log,
                "the candidate's log is at least as up to date as the voter's (Raft §5.4.1)");
  const bool is_free =
      request.term > before.term || before.vote == kNobody || before.vote == request.from;
  CORACLE_CHECK(is_free, "one vote per term (Raft §5.2)");
  if (!handled.at_once) return;
  CORACLE_CHECK(handled.after.role == Role::follower, "who votes for another follows");
  CORACLE_CHECK(handled.after.vote == request.from, "a vote that was granted is kept");
  CORACLE_CHECK(handled.after.election_deadline > before.now, "who votes waits for the outcome");
}

// P2, P3.
void check_granted_pre_vote(const Handled& handled) {
  const Message& request = handled.request;
  const Facts& before = handled.before;
  CORACLE_CHECK(handled.reply.term == request.term, "a pre-vote is of the term asked for (P3)");
  CORACLE_CHECK(request.term >= before.term, "no pre-vote for a term that is over (P2)");
  CORACLE_CHECK(request.log >= before.last_log,
                "a pre-vote needs a log at least as up to date as the voter's (P2, B18)");
}

// K1, B25: whoever sends AppendEntries of the own term or a later one leads it.
void check_append(const Handled& handled) {
  const Message& request = handled.request;
  if (!handled.at_once || request.term < handled.before.term) return;
  CORACLE_CHECK(handled.after.term == request.term, "a later term is adopted (Raft §5.1)");
  CORACLE_CHECK(handled.after.role == Role::follower,
                "a candidate that hears the leader of its term follows it (Raft §5.2)");
  CORACLE_CHECK(handled.after.leader == request.from, "the leader is recognized (Raft §5.2)");
  CORACLE_CHECK(!handled.after.asks_for_pre_votes, "a leader that is heard ends a round (P10)");
  CORACLE_CHECK(handled.after.election_deadline > handled.before.now,
                "a leader that is heard starts the timer over (Raft §5.2)");
}

bool asks_for_vote(const Message& message) {
  return message.kind == MessageKind::request_vote || message.kind == MessageKind::pre_vote;
}

// Whether the rule for a leader that is alive forbids this server to vote for the asker. (V8)
bool must_hold_off(const Handled& handled, const Options& options) {
  const Message& request = handled.request;
  const Facts& before = handled.before;
  if (!options.sticky_leader || before.heard_leader == kNobody || request.transfer) return false;
  if (before.role == Role::leader || request.term < before.term) return false;
  return request.from != before.heard_leader &&
         before.now < deadline_after(before.heard_at, options.timing.timeout_min);
}

// A refusal tells the truth: else one that deserves a vote would wait for nothing. (B11, V8)
void check_refusal(const Handled& handled, const Options& options) {
  const Message& request = handled.request;
  const Facts& before = handled.before;
  switch (handled.reply.refusal) {
    case Refusal::stale_term:
      CORACLE_CHECK(request.term < before.term, "only lower terms are stale (Raft Figure 2)");
      break;
    case Refusal::leader_alive:
      CORACLE_CHECK(before.role == Role::leader || must_hold_off(handled, options),
                    "a leader is taken to be alive for one shortest timeout (V8)");
      break;
    case Refusal::voted_for_another:
      CORACLE_CHECK(request.term == before.term, "a vote binds in its term only (Raft §5.2)");
      CORACLE_CHECK(before.vote != kNobody, "who has not voted is free (Raft Figure 2)");
      CORACLE_CHECK(before.vote != request.from, "a vote is given again to whom it was (V3, B11)");
      break;
    case Refusal::log_behind:
      CORACLE_CHECK(request.log < before.last_log,
                    "who has a log at least as up to date is not behind (Raft §5.4.1, B07)");
      break;
    default: CORACLE_CHECK(false, "a vote is refused for a reason");
  }
}

}  // namespace

void HandlerRules::receives(ServerId server, const Message& message, const Facts& facts) {
  if (message.kind != MessageKind::append_entries || message.ignored) return;
  if (message.term < facts.term) return;
  contact_[server] = {.leader = message.from, .when = facts.now};
}

void HandlerRules::add_contact(ServerId server, Facts& facts) const {
  const auto contact = contact_.find(server);
  if (contact == contact_.end()) return;
  facts.heard_leader = contact->second.leader;
  facts.heard_at = contact->second.when;
}

void HandlerRules::handled(const Handled& handled, const Options& options) {
  const Message& request = handled.request;
  const Facts& before = handled.before;
  const bool held_off = asks_for_vote(request) && must_hold_off(handled, options);
  CORACLE_CHECK(!held_off || !handled.reply.granted,
                "no vote against a leader that was heard within the shortest timeout (V8)");
  const bool is_refused_for_leader = handled.reply.refusal == Refusal::leader_alive;
  if (request.kind == MessageKind::pre_vote || request.term < before.term ||
      is_refused_for_leader) {
    check_unchanged(handled);
  } else if (handled.at_once) {
    CORACLE_CHECK(handled.after.term >= request.term, "a later term is adopted (T1)");
  }
  CORACLE_CHECK(request.term >= before.term || !handled.reply.granted,
                "a request of a lower term is refused (Raft Figure 2)");
  if (asks_for_vote(request) && !handled.reply.granted) check_refusal(handled, options);
  switch (request.kind) {
    case MessageKind::pre_vote:
      if (handled.reply.granted) check_granted_pre_vote(handled);
      break;
    case MessageKind::request_vote:
      if (handled.reply.granted) check_granted_vote(handled);
      if (!handled.reply.granted) check_refused_vote(handled);
      break;
    case MessageKind::append_entries: check_append(handled); break;
    default: break;
  }
}

}  // namespace coracle::raft::sim
