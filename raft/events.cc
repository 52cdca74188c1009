#include "raft/events.h"

namespace coracle::raft {
namespace {

// "key=value" pairs, one after the other.
class Pairs {
 public:
  explicit Pairs(std::string_view event) : text_("event=") { text_ += event; }

  Pairs& add(std::string_view key, std::uint64_t value) { return add(key, std::to_string(value)); }
  Pairs& add(std::string_view key, std::string_view value) {
    text_ += ' ';
    text_ += key;
    text_ += '=';
    text_ += value;
    return *this;
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::started: return "started";
    case EventKind::began_pre_vote: return "began_pre_vote";
    case EventKind::granted_pre_vote: return "granted_pre_vote";
    case EventKind::refused_pre_vote: return "refused_pre_vote";
    case EventKind::received_pre_vote: return "received_pre_vote";
    case EventKind::missed_pre_vote: return "missed_pre_vote";
    case EventKind::became_candidate: return "became_candidate";
    case EventKind::granted_vote: return "granted_vote";
    case EventKind::refused_vote: return "refused_vote";
    case EventKind::received_vote: return "received_vote";
    case EventKind::missed_vote: return "missed_vote";
    case EventKind::became_leader: return "became_leader";
    case EventKind::heard_leader: return "heard_leader";
    case EventKind::stepped_down: return "stepped_down";
    case EventKind::adopted_term: return "adopted_term";
    case EventKind::refused_append: return "refused_append";
    case EventKind::missed_append: return "missed_append";
    case EventKind::deleted_entries: return "deleted_entries";
    case EventKind::accepted_transfer: return "accepted_transfer";
    case EventKind::refused_transfer: return "refused_transfer";
    case EventKind::ignored_message: return "ignored_message";
    case EventKind::found_other_timing: return "found_other_timing";
  }
  return "unknown";
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::none: return "none";
    case Refusal::stale_term: return "stale_term";
    case Refusal::leader_alive: return "leader_alive";
    case Refusal::voted_for_another: return "voted_for_another";
    case Refusal::log_behind: return "log_behind";
    case Refusal::log_mismatch: return "log_mismatch";
    case Refusal::not_leader: return "not_leader";
    case Refusal::not_voter: return "not_voter";
  }
  return "unknown";
}

std::string_view to_string(StepDown reason) {
  switch (reason) {
    case StepDown::none: return "none";
    case StepDown::higher_term: return "higher_term";
    case StepDown::leader_exists: return "leader_exists";
    case StepDown::no_quorum: return "no_quorum";
    case StepDown::stalled_disk: return "stalled_disk";
    case StepDown::round_failed: return "round_failed";
  }
  return "unknown";
}

std::string_view to_string(IdentityFault fault) {
  switch (fault) {
    case IdentityFault::none: return "none";
    case IdentityFault::wrong_cluster: return "wrong_cluster";
    case IdentityFault::wrong_addressee: return "wrong_addressee";
    case IdentityFault::own_id: return "own_id";
    case IdentityFault::earlier_incarnation: return "earlier_incarnation";
    case IdentityFault::lost_directory: return "lost_directory";
    case IdentityFault::wrong_request: return "wrong_request";
  }
  return "unknown";
}

std::string format(const Event& event) {
  Pairs pairs(to_string(event.kind));
  const std::string_view refusal = to_string(event.refusal);
  switch (event.kind) {
    case EventKind::started:
      return pairs.add("last_index", event.position.index)
          .add("last_term", event.position.term)
          .take();
    case EventKind::began_pre_vote: return pairs.add("for_term", event.term).take();
    case EventKind::granted_pre_vote:
      return pairs.add("candidate", event.peer).add("for_term", event.term).take();
    case EventKind::refused_pre_vote:
      return pairs.add("candidate", event.peer)
          .add("for_term", event.term)
          .add("reason", refusal)
          .take();
    case EventKind::received_pre_vote:
    case EventKind::received_vote:
      return pairs.add("voter", event.peer).add("votes", event.count).take();
    case EventKind::missed_pre_vote:
    case EventKind::missed_vote:
      return pairs.add("voter", event.peer).add("reason", refusal).take();
    case EventKind::became_candidate: return pairs.take();
    case EventKind::granted_vote: return pairs.add("candidate", event.peer).take();
    case EventKind::refused_vote:
      return pairs.add("candidate", event.peer)
          .add("candidate_term", event.term)
          .add("reason", refusal)
          .take();
    case EventKind::became_leader:
      return pairs.add("last_index", event.position.index).add("votes", event.count).take();
    case EventKind::heard_leader: return pairs.add("leader", event.peer).take();
    case EventKind::stepped_down: return pairs.add("reason", to_string(event.reason)).take();
    case EventKind::adopted_term: return pairs.add("from", event.peer).take();
    case EventKind::refused_append:
    case EventKind::refused_transfer:
      return pairs.add("sender", event.peer)
          .add("sender_term", event.term)
          .add("reason", refusal)
          .take();
    case EventKind::missed_append:
      return pairs.add("follower", event.peer)
          .add("conflict_term", event.position.term)
          .add("conflict_index", event.position.index)
          .take();
    case EventKind::deleted_entries:
      return pairs.add("leader", event.peer)
          .add("first_index", event.position.index)
          .add("first_term", event.position.term)
          .add("count", event.count)
          .take();
    case EventKind::accepted_transfer: return pairs.add("leader", event.peer).take();
    case EventKind::ignored_message:
      return pairs.add("sender", event.peer).add("reason", to_string(event.fault)).take();
    case EventKind::found_other_timing: return pairs.add("peer", event.peer).take();
  }
  return pairs.take();
}

bool is_turning_point(EventKind kind) {
  switch (kind) {
    case EventKind::started:
    case EventKind::became_candidate:
    case EventKind::became_leader:
    case EventKind::heard_leader:
    case EventKind::stepped_down:
    case EventKind::deleted_entries:
    case EventKind::accepted_transfer:
    case EventKind::ignored_message:
    case EventKind::found_other_timing: return true;
    default: return false;
  }
}

}  // namespace coracle::raft
