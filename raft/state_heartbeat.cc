// AppendEntries as proof of leadership, at both of its ends. (Raft §5.2, §5.3)
#include <algorithm>
#include <functional>

#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

// (TLA+ AppendEntries) It carries the place of the log's end, so that it is checked too. (A1)
Outgoing<AppendEntries> State::compose_heartbeat(ServerId follower) {
  CORACLE_CHECK(role_ == Role::leader, "only leaders send AppendEntries");
  return outgoing(AppendEntries{.header = header_to(follower),
                                .term = term(),
                                .previous = log_.last(),
                                .commit = commit_index_,
                                .read_round = 0,
                                .rank = rank_of(follower),
                                .entries = {}});
}

// The line of successors: those with the longest durable logs first, then by id.
std::uint32_t State::rank_of(ServerId follower) const {
  if (!configuration_.is_voter(follower)) return 0;
  const auto precedes = [&](ServerId other) {
    const LogPosition theirs = peers_.at(other).durable;
    const LogPosition its = peers_.at(follower).durable;
    return theirs > its || (theirs == its && other < follower);
  };
  const std::vector<ServerId> others = configuration_.voters_except(identity_.self);
  return static_cast<std::uint32_t>(std::ranges::count_if(others, precedes));
}

// (TLA+ HandleAppendEntriesRequest) Whoever sends AppendEntries of the own term leads it, also if
// its entries do not fit our log (K1, B25).
Reply<AppendEntriesReply> State::handle(const AppendEntries& request, TimePoint now) {
  if (!accept(request.header, /*has_promised=*/true)) return std::nullopt;
  const ServerId sender = request.header.from;
  if (request.term > term()) update_term(request.term, sender, now);

  Refusal refusal = Refusal::none;
  if (request.term < term()) {
    refusal = Refusal::stale_term;
  } else {
    hear_leader(sender, now);
    if (!log_.holds(request.previous)) refusal = Refusal::log_mismatch;
  }
  AppendEntriesReply reply{.header = answer_to(request.header),
                           .term = term(),
                           .success = refusal == Refusal::none,
                           .refusal = refusal,
                           .matched = {},
                           .durable = log_.durable(),
                           .conflict = {},
                           .read_round = request.read_round};
  if (refusal == Refusal::none) {
    commit_up_to(std::min(request.commit, request.previous.index));
    reply.matched = std::min(request.previous, log_.durable());
  } else {
    if (refusal == Refusal::log_mismatch) reply.conflict = log_.conflict_with(request.previous);
    std::optional<Term>& last_refused = known(sender).append_refused;
    if (std::exchange(last_refused, request.term) != request.term) {
      emit({.kind = EventKind::refused_append,
            .peer = sender,
            .term = request.term,
            .refusal = refusal});
    }
  }
  return outgoing(std::move(reply));
}

// A valid message of the leader of the own term: it ends an own round, and silence. (V4, V8)
void State::hear_leader(ServerId leader, TimePoint now) {
  CORACLE_CHECK(role_ != Role::leader, "two leaders in one term (Raft Figure 3)");  // L3, B12
  CORACLE_CHECK(led_term_ != term(), "two leaders in one term (Raft Figure 3)");    // B10
  const bool is_first = last_leader_term_ != term();
  CORACLE_CHECK(is_first || last_leader_ == leader, "two leaders in one term (Raft Figure 3)");
  if (role_ == Role::candidate) step_down(StepDown::leader_exists, now);
  end_pre_vote();
  last_leader_ = leader;
  last_leader_term_ = term();
  last_contact_ = now;
  draw_deadline(now);
  if (std::exchange(leader_, leader) != leader) {
    emit({.kind = EventKind::heard_leader, .peer = leader});
  }
}

// The leader's, but never beyond what was verified against its log. (A3, B38)
void State::commit_up_to(LogIndex index) {
  CORACLE_CHECK(index <= log_.last().index, "only entries we hold can be committed");
  commit_index_ = std::max(commit_index_, index);
}

// (TLA+ HandleAppendEntriesResponse) A later term always deposes: that is how a server that is
// stuck in one gets back in. (T1)
void State::handle(const Outgoing<AppendEntries>& asked, const AppendEntriesReply& reply,
                   TimePoint now) {
  if (!accept(asked.message.header, reply.header, reply.term > 0)) return;
  if (reply.term > term()) return update_term(reply.term, reply.header.from, now);
  if (!still(asked.epoch) || reply.term < term()) return;
  const auto known = peers_.find(reply.header.from);
  if (known == peers_.end()) return;
  Peer& peer = known->second;
  peer.heard = std::max(peer.heard, now);
  peer.durable = reply.durable;
  if (reply.success) {
    peer.missed = {};
  } else if (std::exchange(peer.missed, reply.conflict) != reply.conflict) {
    emit({.kind = EventKind::missed_append, .peer = reply.header.from, .position = reply.conflict});
  }
}

// Returns when a majority had last been heard, the leader itself, if it is a voter, being heard at
// all times; kNever where it needs nobody else.
TimePoint State::quorum_contact() const {
  std::vector<TimePoint> heard;
  for (const ServerId voter : configuration_.voters()) {
    heard.push_back(voter == identity_.self ? kNever : peers_.at(voter).heard);
  }
  CORACLE_CHECK(heard.size() >= configuration_.majority(), "who leads was elected by voters");
  std::ranges::sort(heard, std::greater<>());
  return heard[configuration_.majority() - 1];
}

TimePoint State::quorum_deadline() const {
  if (role_ != Role::leader || !options_.check_quorum) return kNever;
  return deadline_after(quorum_contact(), options_.timing.timeout_max);
}

void State::check_quorum(TimePoint now) {
  if (role_ == Role::leader && now >= quorum_deadline()) step_down(StepDown::no_quorum, now);
}

}  // namespace coracle::raft
