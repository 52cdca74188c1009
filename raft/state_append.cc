// AppendEntries, as a follower gets it. (Raft §5.2, §5.3)
#include <algorithm>
#include <utility>

#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

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
  if (refusal != Refusal::none) {
    if (refusal == Refusal::log_mismatch) reply.conflict = log_.conflict_with(request.previous);
    std::optional<Term>& last_refused = known(sender).append_refused;
    if (std::exchange(last_refused, request.term) != request.term) {
      emit({.kind = EventKind::refused_append,
            .peer = sender,
            .term = request.term,
            .refusal = refusal});
    }
    return outgoing(std::move(reply));
  }
  const LogPosition verified = take_entries(request, now);
  commit_up_to(std::min(request.commit, verified.index));
  const bool is_heartbeat = request.entries.empty();
  reply.matched = is_heartbeat ? std::min(verified, log_.durable()) : verified;
  return outgoing(std::move(reply), is_heartbeat ? 0 : log_.change_of(verified.index));
}

// If an existing entry conflicts with a new one (same index but different terms), delete the
// existing entry and all that follow it; append any new entries not already in the log. (Raft
// Figure 2) What agrees stays, also behind the last new one: the message may be an old one. (A2,
// A5, B31)
//   Returns    the last entry that is known to be the leader's now.
LogPosition State::take_entries(const AppendEntries& request, TimePoint now) {
  LogIndex index = request.previous.index;
  for (const Entry& entry : request.entries) {
    ++index;
    if (log_.holds({.term = entry.term, .index = index})) continue;
    if (index <= log_.last().index) {
      CORACLE_CHECK(index > commit_index_, "what is committed is never deleted (Raft §5.4)");
      emit({.kind = EventKind::deleted_entries,
            .peer = request.header.from,
            .count = log_.last().index - index + 1,
            .position = log_.at(index)});
      log_.truncate_behind(index - 1);
      add_change(Truncation{.last = log_.last()}, now);
    }
    add_entry(entry, now);
  }
  return log_.at(index);
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

}  // namespace coracle::raft
