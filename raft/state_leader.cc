// The rules of a leader. (Raft §5.3, §5.4.2; dissertation §6.2)
#include <algorithm>
#include <functional>
#include <utility>

#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

// (TLA+ BecomeLeader; §5.2) Who voted was heard. An entry of the own term is what everything before
// it can be committed with (§5.4.2, L1).
void State::become_leader(TimePoint now, std::int64_t wall_time) {
  CORACLE_CHECK(election_won(), "a majority elects, and the own vote is durable");
  const std::size_t votes_won = votes().size();
  role_ = Role::leader;
  led_term_ = term();
  leader_ = identity_.self;
  leadership_transfer_ = false;
  election_deadline_ = kNever;
  reads_ = ReadRounds();
  for (auto& [id, peer] : peers_) {
    peer.heard = now;
    peer.durable = peer.missed = {};
    peer.progress.begin(log_.last().index + 1);
    peer.read_sent = peer.read_answered = 0;
  }
  enter_next_epoch();
  emit({.kind = EventKind::became_leader, .count = votes_won, .position = log_.last()});
  append(EntryKind::no_op, {}, now, wall_time);
}

// (TLA+ ClientRequest) The stamp never falls, whatever the clocks of leaders say (R3).
LogPosition State::append(EntryKind kind, SharedBytes data, TimePoint now, std::int64_t wall_time) {
  CORACLE_CHECK(role_ == Role::leader, "only leaders append on their own (Raft §5.3)");
  add_entry({.term = term(),
             .kind = kind,
             .log_time = std::max(log_.last_log_time(), wall_time),
             .data = std::move(data)},
            now);
  return log_.last();
}

// ---- Sending ----

const Progress& State::progress(ServerId follower) const { return peers_.at(follower).progress; }

// It names the entry before the next one: what was sent before it is checked with it. (A1)
Outgoing<AppendEntries> State::compose_heartbeat(ServerId follower) {
  CORACLE_CHECK(role_ == Role::leader, "only leaders send AppendEntries");
  Peer& peer = peers_.at(follower);
  reads_.stamped();
  peer.read_sent = reads_.current();
  return outgoing(AppendEntries{.header = header_to(follower),
                                .term = term(),
                                .previous = log_.at(peer.progress.next() - 1),
                                .commit = commit_index_,
                                .read_round = reads_.current(),
                                .rank = rank_of(follower),
                                .entries = {}});
}

bool State::may_send_entries(ServerId follower) const {
  return role_ == Role::leader &&
         progress(follower).may_send(log_.last().index, options_.replication);
}

Outgoing<AppendEntries> State::compose_entries(ServerId follower) {
  return compose_entries(follower, log_.entries(progress(follower).next(), log_.last().index,
                                                options_.replication.batch_bytes));
}

Outgoing<AppendEntries> State::compose_entries(ServerId follower, std::vector<Entry> entries) {
  CORACLE_CHECK(may_send_entries(follower), "the window is open");
  Outgoing<AppendEntries> asked = compose_heartbeat(follower);
  asked.message.entries = std::move(entries);
  peers_.at(follower).progress.sent(asked.message.header.request, asked.message.entries.size(),
                                    bytes_of(asked.message.entries));
  return asked;
}

void State::entries_lost(const Outgoing<AppendEntries>& asked) {
  if (!still(asked.epoch)) return;
  peers_.at(asked.message.header.to).progress.lost(asked.message.header.request);
}

void State::entries_ended(const Outgoing<AppendEntries>& asked) {
  if (!still(asked.epoch)) return;
  peers_.at(asked.message.header.to)
      .progress.ended(asked.message.header.request, bytes_of(asked.message.entries));
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

// ---- What comes back ----

// (TLA+ HandleAppendEntriesResponse) A later term always deposes: that is how a server that is
// stuck in one gets back in. (T1)
bool State::handle(const Outgoing<AppendEntries>& asked, const AppendEntriesReply& reply,
                   TimePoint now) {
  if (!accept(asked.message.header, reply.header, reply.term > 0)) return false;
  if (reply.term > term()) {
    update_term(reply.term, reply.header.from, now);
    return true;
  }
  if (!still(asked.epoch) || reply.term < term()) return false;
  Peer& peer = peers_.at(reply.header.from);
  peer.heard = std::max(peer.heard, now);
  peer.durable = reply.durable;
  peer.read_answered = std::max(peer.read_answered, asked.message.read_round);
  confirm_read_rounds();
  const LogIndex previous = asked.message.previous.index;
  const LogIndex end = previous + asked.message.entries.size();  // no more was compared
  if (!reply.success && reply.refusal != Refusal::log_mismatch) return false;
  if (reply.success) {
    peer.missed = {};
    const bool is_news = peer.progress.accept(previous, asked.message.entries.size(),
                                              std::min(reply.matched.index, end));
    if (is_news) {
      advance_commit_index();
      forget_entries();
    }
    return true;
  }
  const bool is_new_place = peer.progress.refuse(previous, look_at(reply.conflict));
  if (std::exchange(peer.missed, reply.conflict) != reply.conflict) {
    emit({.kind = EventKind::missed_append, .peer = reply.header.from, .position = reply.conflict});
  }
  return is_new_place;
}

// Where the logs may meet: behind the last entry of the conflicting term that this log has, or
// before all of the follower's of that term. (§5.3, A7)
LogIndex State::look_at(LogPosition conflict) const {
  const LogIndex last = log_.last_of_term(conflict.term);
  return last > 0 ? last + 1 : conflict.index;
}

// (TLA+ AdvanceCommitIndex) If there exists an N > commitIndex such that a majority of
// matchIndex[i] >= N, and log[N].term == currentTerm: set commitIndex = N. (Raft Figure 2; §5.4.2,
// L2) The own disk is one of them, like any other (B36).
void State::advance_commit_index() {
  const LogIndex stored = of_majority<LogIndex>(
      log_.durable().index, [](const Peer& peer) { return peer.progress.matched(); });
  if (stored <= commit_index_ || log_.at(stored).term != term()) return;
  commit_up_to(stored);
}

// ---- Whether it still leads ----

template <class Value>
Value State::of_majority(Value own, Value (*of)(const Peer&)) const {
  std::vector<Value> values;
  values.reserve(configuration_.voters().size());
  for (const ServerId voter : configuration_.voters()) {
    values.push_back(voter == identity_.self ? own : of(peers_.at(voter)));
  }
  CORACLE_CHECK(values.size() >= configuration_.majority(), "who leads was elected by voters");
  std::ranges::sort(values, std::greater<>());
  return values[configuration_.majority() - 1];
}

// Returns when a majority had last been heard, the leader itself, if it is a voter, being heard at
// all times; kNever where it needs nobody else.
TimePoint State::quorum_contact() const {
  return of_majority<TimePoint>(kNever, [](const Peer& peer) { return peer.heard; });
}

TimePoint State::quorum_deadline() const {
  return deadline_after(quorum_contact(), options_.timing.timeout_max);
}

// A disk that stores nothing acknowledges nothing: another may do better. (L6)
TimePoint State::disk_deadline() const {
  if (is_durable(last_change_)) return kNever;
  return deadline_after(stored_, options_.timing.timeout_max);
}

TimePoint State::leader_deadline() const {
  if (role_ != Role::leader || !options_.check_quorum) return kNever;
  return std::min(quorum_deadline(), disk_deadline());
}

void State::check_leadership(TimePoint now) {
  if (role_ != Role::leader || !options_.check_quorum) return;
  if (now >= quorum_deadline()) return step_down(StepDown::no_quorum, now);
  if (now >= disk_deadline()) step_down(StepDown::stalled_disk, now);
}

// A round of reads is confirmed by a majority, the leader counting itself if it is a voter. (R1)
void State::confirm_read_rounds() {
  reads_.confirm(of_majority<ReadRound>(reads_.current(),
                                        [](const Peer& peer) { return peer.read_answered; }));
}

}  // namespace coracle::raft
