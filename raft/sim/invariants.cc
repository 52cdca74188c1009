#include "raft/sim/invariants.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "runtime/check.h"

namespace coracle::raft::sim {
namespace {

// Returns    the term that a message says its sender is in; 0 where it says none.
Term own_term_told(const Message& message) {
  if (message.kind == MessageKind::pre_vote) return message.term - 1;
  if (message.kind == MessageKind::pre_vote_reply && message.granted) return 0;
  return message.term;
}

// Returns    for whom a message lets others know that its sender voted; nobody where it does not.
ServerId vote_told(const Message& message) {
  if (message.kind == MessageKind::request_vote) return message.from;
  if (message.kind == MessageKind::request_vote_reply && message.granted) return message.to;
  return kNobody;
}

// Returns    whether these others, and the server itself where it votes, are a majority.
bool is_majority(const View& server, const std::set<ServerId>& others) {
  std::vector<ServerId> all(others.begin(), others.end());
  all.push_back(server.id);
  const std::vector<ServerId>& voters = server.state.configuration().voters();
  const auto voted = std::ranges::count_if(
      voters, [&](ServerId voter) { return std::ranges::count(all, voter) > 0; });
  return static_cast<std::size_t>(voted) > voters.size() / 2;
}

}  // namespace

void ElectionSafety::observe(const View& server) {
  if (server.state.role() != Role::leader) return;
  const auto first = leader_of_term_.try_emplace(server.state.term(), server.id).first;
  CORACLE_CHECK(first->second == server.id, "two leaders in one term (Raft Figure 3)");
}

void OneVotePerTerm::started(const View& server) {
  const HardState& found = server.state.hard_state();
  const ServerId promised = told(server.id, found.term);
  CORACLE_CHECK(promised == kNobody || promised == found.vote,
                "a vote that others know of survives every crash (Raft §5.2)");
  seen_[server.id] = found;
}

void OneVotePerTerm::observe(const View& server) {
  HardState& seen = seen_[server.id];
  const HardState& current = server.state.hard_state();
  if (seen.term == current.term && seen.vote != kNobody) {
    CORACLE_CHECK(current.vote == seen.vote, "a vote stands as long as its term (T4, B03)");
  }
  seen = current;
}

void OneVotePerTerm::sends(const Message& message) {
  const ServerId candidate = vote_told(message);
  if (candidate == kNobody) return;
  const auto first = told_.try_emplace({message.from, message.term}, candidate).first;
  CORACLE_CHECK(first->second == candidate, "one vote per term, over all lives (Raft §5.2)");
}

ServerId OneVotePerTerm::told(ServerId voter, Term term) const {
  const auto found = told_.find({voter, term});
  return found == told_.end() ? kNobody : found->second;
}

void MonotoneTerm::started(const View& server) {
  CORACLE_CHECK(server.state.term() >= told_[server.id],
                "a term that others know of survives every crash (Raft §5.1)");
  seen_[server.id] = server.state.term();
}

void MonotoneTerm::observe(const View& server) {
  Term& seen = seen_[server.id];
  CORACLE_CHECK(server.state.term() >= seen, "terms never fall (Raft §5.1)");
  seen = server.state.term();
}

void MonotoneTerm::sends(const Message& message) {
  Term& told = told_[message.from];
  told = std::max(told, own_term_told(message));
}

// What is durable stays so: the disk is looked at again only for what is new.
void DurableBeforeSpoken::sends(const Message& message, const View& server) {
  const ServerId candidate = vote_told(message);
  HardState& durable = known_[server.id];
  const auto covers_it = [&] {
    return durable.term >= own_term_told(message) &&
           (candidate == kNobody || durable.term > message.term || durable.vote == candidate);
  };
  if (covers_it()) return;
  durable = server.disk.read();
  CORACLE_CHECK(durable.term >= own_term_told(message),
                "no term is told that is not durable (Raft Figure 2)");
  CORACLE_CHECK(covers_it(), "no vote is told that is not durable (V2, V11)");
}

void DurableBeforeSpoken::observe(const View& server) {
  if (server.state.role() != Role::leader) return;
  const Term term = server.state.term();
  if (std::exchange(led_[server.id], term) == term) return;
  const HardState durable = server.disk.read();
  const bool is_durable =
      durable.term > term || durable == HardState{.term = term, .vote = server.id};
  CORACLE_CHECK(is_durable, "no term is led whose own vote is not durable (V11, V14)");
}

void ElectedByMajority::observe(const View& server, const OneVotePerTerm& votes) {
  if (server.state.role() != Role::leader) return;
  const Term term = server.state.term();
  if (!looked_at_.emplace(server.id, term).second) return;
  const std::vector<ServerId>& voters = server.state.configuration().voters();
  const auto voted = std::ranges::count_if(voters, [&](ServerId voter) {
    return voter == server.id || votes.told(voter, term) == server.id;
  });
  CORACLE_CHECK(static_cast<std::size_t>(voted) > voters.size() / 2,
                "a leader has the votes of a majority (Raft §5.2, V12, V15)");
}

void CountedInItsRound::sends(const Message& message) {
  if (is_reply(message.kind)) return;
  RequestId& last = rounds_[message.from].last_sent;
  last = std::max(last, message.request);
}

void CountedInItsRound::receives(const Message& message) {
  const bool is_vote = message.kind == MessageKind::request_vote_reply ||
                       message.kind == MessageKind::pre_vote_reply;
  if (is_vote) rounds_[message.to].got[message.from] = message;
}

void CountedInItsRound::begin(const View& server, const Event& event, Round& round) {
  round.last_before = round.last_sent;
  if (event.kind == EventKind::began_pre_vote) {
    round.pre_votes.clear();
    return;
  }
  const bool needs_pre_votes = server.state.options().pre_vote && !round.transfer;
  CORACLE_CHECK(!needs_pre_votes || is_majority(server, round.pre_votes),
                "an election begins with the pre-votes of a majority in one round (T5)");
  round.transfer = false;
  round.votes.clear();
}

void CountedInItsRound::count(const View& server, const Event& event, Round& round) {
  const bool is_vote = event.kind == EventKind::received_vote;
  if (is_vote) {
    CORACLE_CHECK(event.role == Role::candidate, "only candidates count votes (V13)");
  } else {
    CORACLE_CHECK(server.state.asks_for_pre_votes(), "only who asks counts pre-votes (V13)");
  }
  const Message& got = round.got[event.peer];
  const MessageKind kind = is_vote ? MessageKind::request_vote_reply : MessageKind::pre_vote_reply;
  const Term asked_for = is_vote ? event.own_term : event.own_term + 1;
  CORACLE_CHECK(got.kind == kind, "pre-votes never count as votes, nor the reverse (P5)");
  CORACLE_CHECK(got.granted, "refusals are not counted");
  CORACLE_CHECK(got.term == asked_for, "a vote counts in its term (Raft §5.2)");
  CORACLE_CHECK(got.request > round.last_before, "a vote counts in the round that asked (T5)");
  const bool is_new = (is_vote ? round.votes : round.pre_votes).insert(event.peer).second;
  CORACLE_CHECK(is_new, "each vote counts once (V12)");
}

void CountedInItsRound::event(const View& server, const Event& event) {
  Round& round = rounds_[server.id];
  switch (event.kind) {
    case EventKind::accepted_transfer: round.transfer = true; break;
    case EventKind::began_pre_vote:
    case EventKind::became_candidate: begin(server, event, round); break;
    case EventKind::received_vote:
    case EventKind::received_pre_vote: count(server, event, round); break;
    case EventKind::became_leader:
      CORACLE_CHECK(is_majority(server, round.votes),
                    "a leader has counted the votes of a majority in one round (T5)");
      break;
    default: break;
  }
}

void OnlyLeadersAppend::sends(const Message& message, const View& server) {
  if (message.kind != MessageKind::append_entries) return;
  CORACLE_CHECK(server.state.role() == Role::leader, "only leaders send AppendEntries (L4)");
  CORACLE_CHECK(server.state.term() == message.term, "AppendEntries are of the leader's term");
}

void BoundedPatience::observe(const View& server) {
  if (server.state.role() == Role::leader) return;
  CORACLE_CHECK(
      server.state.election_deadline() <= deadline_after(server.now, server.longest_drawn),
      "who does not lead waits no longer than the longest timeout (Raft §5.2)");
}

void NoStorm::event(const View& server, const Event& event) {
  Began& began = began_[server.id];
  const auto check_pause = [&](TimePoint last) {
    CORACLE_CHECK(last == TimePoint() || server.now - last >= server.shortest_drawn,
                  "between two rounds lies a timeout (K6, Raft §5.2)");
  };
  switch (event.kind) {
    case EventKind::accepted_transfer: began.transfer = true; break;
    case EventKind::began_pre_vote:
      check_pause(began.pre_vote);
      began.pre_vote = server.now;
      break;
    case EventKind::became_candidate:
      if (!std::exchange(began.transfer, false)) check_pause(began.election);
      began.election = server.now;
      break;
    default: break;
  }
}

void QuorumHeard::event(const View& server, const Event& event) {
  if (event.kind != EventKind::became_leader) return;
  Leadership& leadership = leaders_[server.id] = {};
  for (const ServerId peer : server.state.voting_peers()) leadership.heard[peer] = server.now;
  leadership.looked = server.now;
}

void QuorumHeard::receives(const Message& message, const View& server) {
  if (message.kind != MessageKind::append_entries_reply) return;
  if (message.term == server.state.term()) leaders_[server.id].heard[message.from] = server.now;
}

// Only time in which the server runs counts: one that is paused cannot step down.
void QuorumHeard::observe(const View& server) {
  const Options& options = server.state.options();
  if (server.state.role() != Role::leader || !options.check_quorum) return;
  Leadership& leadership = leaders_[server.id];
  const Duration ran =
      std::min(server.now - std::exchange(leadership.looked, server.now), options.timing.heartbeat);
  std::vector<TimePoint> heard;
  for (const ServerId voter : server.state.configuration().voters()) {
    heard.push_back(voter == server.id ? kNever : leadership.heard[voter]);
  }
  std::ranges::sort(heard, std::greater<>());
  const TimePoint contact = heard[heard.size() / 2];
  const bool is_overdue = server.now >= deadline_after(contact, options.timing.timeout_max);
  leadership.overdue = is_overdue ? leadership.overdue + ran : Duration::zero();
  CORACLE_CHECK(leadership.overdue <= 3 * options.timing.heartbeat,
                "a leader that hears no majority for the longest timeout steps down (L5)");
}

void LogAndTerm::observe(const View& server) {
  CORACLE_CHECK(server.state.term() >= server.state.log().last().term,
                "no entry is of a term still to come");
  LogIndex& committed = committed_[server.id];
  CORACLE_CHECK(server.state.commit_index() >= committed, "the commit index never falls");
  CORACLE_CHECK(server.state.commit_index() <= server.state.log().last().index,
                "only entries that it holds are committed");
  committed = server.state.commit_index();
}

// ---- All of them ----

void Invariants::started(const View& server) {
  one_vote_per_term_.started(server);
  monotone_term_.started(server);
  durable_before_spoken_.started(server.id);
  counted_in_its_round_.started(server.id);
  no_storm_.started(server.id);
  log_and_term_.started(server.id);
  log_matching_.started(server);
  commitment_.started(server);
  match_is_durable_.started(server);
  DurableBeforeAcknowledged::started(server);
  handler_rules_.started(server.id);
}

// Also at once when it becomes leader: it may not be one any more when its pass ends.
void Invariants::observe_leader(const View& server) {
  election_safety_.observe(server);
  durable_before_spoken_.observe(server);
  elected_by_majority_.observe(server, one_vote_per_term_);
}

void Invariants::observe(const View& server) {
  observe_leader(server);
  one_vote_per_term_.observe(server);
  monotone_term_.observe(server);
  BoundedPatience::observe(server);
  quorum_heard_.observe(server);
  log_and_term_.observe(server);
  log_matching_.observe(server);
  commitment_.observe(server);
  match_is_durable_.observe(server);
}

void Invariants::event(const View& server, const Event& event) {
  counted_in_its_round_.event(server, event);
  no_storm_.event(server, event);
  quorum_heard_.event(server, event);
  if (event.kind != EventKind::became_leader) return;
  observe_leader(server);
  commitment_.elected(server);
}

void Invariants::sends(const View& server, const Message& message) {
  durable_before_spoken_.sends(message, server);
  one_vote_per_term_.sends(message);
  monotone_term_.sends(message);
  counted_in_its_round_.sends(message);
  OnlyLeadersAppend::sends(message, server);
  DurableBeforeAcknowledged::sends(message, server);
}

void Invariants::receives(const View& server, const Message& message) {
  counted_in_its_round_.receives(message);
  quorum_heard_.receives(message, server);
  handler_rules_.receives(server.id, message,
                          facts_of(server.state, server.now, /*resumptions=*/0));
}

void Invariants::handled(const View& server, const Handled& handled) {
  HandlerRules::handled(handled, server.state.options());
}

}  // namespace coracle::raft::sim
