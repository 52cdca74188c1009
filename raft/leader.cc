// A leader sends heartbeats to all followers to keep its authority, at once and then for as long
// as a majority answers. (Raft §5.2)
#include <algorithm>

#include "raft/node.h"
#include "runtime/check.h"
#include "runtime/sleep.h"

namespace coracle::raft {

Task<> Node::lead() {
  const bool lasts = co_await while_it_lasts(keep_followers());
  if (!lasts) co_return;  // a newer term was heard
  state_.check_quorum(now());
  state_changed();
}

Task<> Node::keep_followers() {
  co_await task_group([this](TaskGroup& followers) -> Task<> {
    for (const ServerId follower : state_.peers()) {
      followers.spawn("heartbeats", &Node::send_heartbeats, this, follower);
    }
    for (;;) {
      const bool changed = co_await changed_before(&State::quorum_deadline);
      if (!changed) break;  // no majority for the longest timeout
    }
    followers.cancel();
  });
}

// A late answer does not hold up the next heartbeat. (A10)
Task<> Node::send_heartbeats(ServerId follower) {
  co_await task_group([&](TaskGroup& unanswered) -> Task<> {
    for (TimePoint next = now();;) {
      co_await sleep_until(next);
      unanswered.spawn("heartbeat", &Node::send_heartbeat, this, follower);
      next = std::max(now(), deadline_after(next, state_.options().timing.heartbeat));
    }
  });
}

Task<> Node::send_heartbeat(ServerId follower) {
  if (!state_.still(role_epoch_)) co_return;  // no leader any more
  const Outgoing<AppendEntries> asked = state_.compose_heartbeat(follower);
  CORACLE_CHECK(state_.is_durable(asked.after), "a leader's own vote is durable (V11)");
  const TimePoint deadline = deadline_after(now(), state_.options().timing.timeout_max);
  const std::optional<AppendEntriesReply> reply = co_await transport_.call(asked.message, deadline);
  if (!reply) co_return;
  state_.handle(asked, *reply, now());
  state_changed();
}

}  // namespace coracle::raft
