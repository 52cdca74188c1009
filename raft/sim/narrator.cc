#include "raft/sim/narrator.h"

#include <array>
#include <cstdio>
#include <vector>

namespace coracle::raft::sim {
namespace {

// "B", "B and C", "B, C and D".
std::string enumerate(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

// In milliseconds, to the tenth.
std::string in_milliseconds(Duration span) {
  const std::int64_t tenths = span.count() / 100'000;
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " ms";
}

std::string why(Refusal refusal) {
  switch (refusal) {
    case Refusal::stale_term: return "that term is over";
    case Refusal::leader_alive: return "it has just heard a leader, and keeps it";
    case Refusal::voted_for_another: return "it has voted for another in that term";
    case Refusal::log_behind: return "the candidate's log is behind its own";
    case Refusal::log_mismatch: return "the entry before is not in its log";
    case Refusal::not_leader: return "only the leader may ask that";
    case Refusal::not_voter: return "it is no voter";
    case Refusal::none: break;
  }
  return "it does not say why";
}

std::string what_is_wrong(IdentityFault fault) {
  switch (fault) {
    case IdentityFault::wrong_cluster: return "it is of another cluster";
    case IdentityFault::wrong_addressee: return "it is meant for another server";
    case IdentityFault::own_id: return "its sender uses the receiver's own name";
    case IdentityFault::earlier_incarnation: return "its sender has been started again since";
    case IdentityFault::lost_directory: return "its sender has forgotten what it had promised";
    case IdentityFault::wrong_request: return "it answers something else";
    case IdentityFault::none: break;
  }
  return "nobody knows why";
}

std::string in_term(Term term) { return "term " + std::to_string(term); }

}  // namespace

std::string Narrator::name(ServerId id) const {
  return id == kNobody ? "nobody" : play_->cluster().name(id);
}

std::string Narrator::voters_but(ServerId id) const {
  std::vector<std::string> names;
  if (play_->cluster().is_up(id)) {
    for (const ServerId peer : play_->cluster().state(id).voting_peers()) {
      names.push_back(name(peer));
    }
  }
  return names.empty() ? "nobody" : enumerate(names);
}

void Narrator::settle() {
  last_.clear();
  if (repeated_ == 0) return;
  const std::string times = repeated_ == 1 ? "once" : std::to_string(repeated_) + " times";
  repeated_ = 0;
  tell_("             (The same " + times + " more.)");
}

void Narrator::say(const std::string& sentence) {
  if (sentence == last_ && last_at_ == play_->cluster().now()) {
    ++repeated_;
    return;
  }
  settle();
  last_ = sentence;
  last_at_ = play_->cluster().now();
  const std::int64_t tenths = play_->cluster().now().time_since_epoch().count() / 100'000;
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%6lld.%lld ms  ", static_cast<long long>(tenths / 10),
                static_cast<long long>(tenths % 10));
  tell_(time.data() + sentence);
}

std::string Narrator::of_candidate(const Happened& happened) const {
  const std::string self = name(happened.server);
  const std::string enters = self + " enters " + in_term(happened.event.own_term) +
                             ", votes for itself, and asks " + voters_but(happened.server) + ".";
  if (transfers_.contains(happened.server)) return "The leader asked for it: " + enters;
  if (asked_first_.contains(happened.server)) return "A majority would vote for it: " + enters;
  const Duration waited = play_->cluster().drawn_timeouts(happened.server).before;
  return self + "'s timeout of " + in_milliseconds(waited) + " ran out: " + enters;
}

std::string Narrator::of_step_down(const Happened& happened) const {
  const std::string self = name(happened.server);
  switch (happened.event.reason) {
    case StepDown::higher_term: return self + " steps down: there is a later term.";
    case StepDown::leader_exists: return self + " gives way to the leader of its term.";
    case StepDown::no_quorum:
      return self + " has heard no majority for the longest timeout, and leads no more.";
    case StepDown::stalled_disk:
      return self + "'s disk has stored nothing for the longest timeout: it leads no more.";
    case StepDown::round_failed: return self + "'s election has failed; it begins anew.";
    case StepDown::none: break;
  }
  return self + " steps down.";
}

std::string Narrator::of_election(const Happened& happened) const {
  const Event& event = happened.event;
  const std::string self = name(happened.server);
  const std::string peer = name(event.peer);
  switch (event.kind) {
    case EventKind::began_pre_vote:
      return self + "'s timeout of " +
             in_milliseconds(play_->cluster().drawn_timeouts(happened.server).before) +
             " ran out: it asks " + voters_but(happened.server) +
             " whether they would vote for it in " + in_term(event.term) + ".";
    case EventKind::granted_pre_vote:
      return self + " would vote for " + peer + " in " + in_term(event.term) + ".";
    case EventKind::refused_pre_vote:
      return self + " would not vote for " + peer + ": " + why(event.refusal) + ".";
    case EventKind::became_candidate: return of_candidate(happened);
    case EventKind::granted_vote:
      return self + " votes for " + peer + " in " + in_term(event.own_term) +
             ", and starts its own timer over.";
    case EventKind::refused_vote:
      return self + " refuses " + peer + " its vote in " + in_term(event.term) + ": " +
             why(event.refusal) + ".";
    case EventKind::received_vote: return self + " has " + std::to_string(event.count) + " votes.";
    case EventKind::became_leader:
      return self + " has a majority, and leads " + in_term(event.own_term) +
             ". It sends heartbeats at once, and then every " +
             in_milliseconds(play_->cluster().state(happened.server).options().timing.heartbeat) +
             "; its first entry is a no-op of its own term.";
    default: return {};
  }
}

std::string Narrator::sentence(const Happened& happened) const {
  const Event& event = happened.event;
  const std::string self = name(happened.server);
  const std::string peer = name(event.peer);
  switch (event.kind) {
    case EventKind::started:
      return self + " starts as a follower of " + in_term(event.own_term) +
             ". It waits for a leader for " +
             in_milliseconds(play_->cluster().drawn_timeouts(happened.server).last) + ".";
    case EventKind::heard_leader:
      return self + " hears " + peer + ", and follows it as the leader of " +
             in_term(event.own_term) + ".";
    case EventKind::stepped_down: return of_step_down(happened);
    case EventKind::adopted_term:
      return self + " learns of " + in_term(event.own_term) + " from " + peer + ", and adopts it.";
    case EventKind::refused_append:
      return self + " rejects AppendEntries of " + peer + " of " + in_term(event.term) + ": " +
             why(event.refusal) + ".";
    case EventKind::missed_append:
      return self + " learns that " + peer + "'s log is not like its own.";
    case EventKind::deleted_entries:
      return self + " deletes " + std::to_string(event.count) + " entries from index " +
             std::to_string(event.position.index) + " on: " + peer + ", the leader, has others.";
    case EventKind::accepted_transfer:
      return peer + ", the leader, asks " + self + " to take over.";
    case EventKind::refused_transfer:
      return self + " does not take over though " + peer + " asks: " + why(event.refusal) + ".";
    case EventKind::ignored_message:
      return self + " ignores a message of " + peer + ": " + what_is_wrong(event.fault) + ".";
    case EventKind::found_other_timing:
      return self + " finds that " + peer + " has other timeouts than its own.";
    default: return of_election(happened);
  }
}

void Narrator::event(const Happened& happened) {
  const EventKind kind = happened.event.kind;
  if (kind == EventKind::accepted_transfer) transfers_.insert(happened.server);
  const std::string text = sentence(happened);
  if (!text.empty()) say(text);
  if (kind == EventKind::began_pre_vote) asked_first_.insert(happened.server);
  if (kind == EventKind::became_candidate) {
    asked_first_.erase(happened.server);
    transfers_.erase(happened.server);
  }
}

void Narrator::loses(const Message& message) {
  say("(The " + std::string(to_string(message.kind)) + " from " + name(message.from) + " to " +
      name(message.to) + " is lost.)");
}

}  // namespace coracle::raft::sim
