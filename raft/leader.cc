// A leader has every follower's log become its own, and sends heartbeats to keep its authority, at
// once and then for as long as a majority answers. (Raft §5.2, §5.3)
#include <algorithm>
#include <chrono>
#include <utility>

#include "raft/node.h"
#include "runtime/check.h"
#include "runtime/sleep.h"
#include "runtime/wall_time.h"

namespace coracle::raft {
namespace {

// As long as its connection lives, a batch may still arrive, and be answered by a slow disk; that
// it was lost on the way is seen by heartbeats, which ask for the entry behind it (A1). So it is
// never sent twice to a follower that is only slow.
constexpr Duration kBatchTimeout = std::chrono::hours(24);

}  // namespace

Task<> Node::lead() { co_await while_it_lasts(keep_followers()); }

Task<> Node::keep_followers() {
  co_await task_group([this](TaskGroup& followers) -> Task<> {
    for (const ServerId follower : state_.peers()) {
      followers.spawn("heartbeats", &Node::send_heartbeats, this, follower);
      followers.spawn("entries", &Node::send_entries, this, follower);
    }
    while (state_.still(role_epoch_)) {
      const bool changed = co_await changed_before(&State::leader_deadline);
      if (changed) continue;
      state_.check_leadership(now());  // no majority, or no disk, for the longest timeout
      state_changed();
    }
    followers.cancel();
  });
}

// ---- Heartbeats ----

// A late answer does not hold up the next one, and no entry does. (A10) Reads that wait for a proof
// that this server still leads get it at once.
Task<> Node::send_heartbeats(ServerId follower) {
  co_await task_group([&](TaskGroup& unanswered) -> Task<> {
    for (TimePoint next = now();;) {
      while (!state_.needs_read_round(follower)) {
        const bool round_began = co_await read_round_.wait_until(next);
        if (!round_began) break;
      }
      const bool is_due = next <= now();  // and not early, for a round
      if (!state_.still(role_epoch_)) co_return;
      unanswered.spawn("heartbeat", &Node::send_heartbeat, this,
                       state_.compose_heartbeat(follower));
      next = deadline_after(is_due ? next : now(), state_.options().timing.heartbeat);
      next = std::max(next, now());
    }
  });
}

Task<> Node::send_heartbeat(Outgoing<AppendEntries> asked) {
  if (!state_.still(asked.epoch)) co_return;
  CORACLE_CHECK(state_.is_durable(asked.after), "a leader's own vote is durable (V11)");
  const TimePoint deadline = deadline_after(now(), state_.options().timing.timeout_max);
  const std::optional<AppendEntriesReply> reply = co_await transport_.call(asked.message, deadline);
  if (!reply) co_return;
  state_.handle(asked, *reply, now());
  state_changed();
}

// ---- Entries ----

// One batch behind the other, as far as the window allows; followers do not wait for the leader's
// own disk, nor for each other. (Dissertation §10.2.1)
Task<> Node::send_entries(ServerId follower) {
  co_await task_group([&](TaskGroup& unanswered) -> Task<> {
    for (;;) {
      Outgoing<AppendEntries> batch = co_await next_entries(follower);
      unanswered.spawn("batch", &Node::send_batch, this, std::move(batch));
    }
  });
}

Task<Outgoing<AppendEntries>> Node::next_entries(ServerId follower) {
  for (;;) {
    while (!state_.may_send_entries(follower)) co_await to_send_.wait();
    co_await transport_.connected(follower, kNever);
    if (!state_.may_send_entries(follower)) continue;
    const LogIndex next = state_.progress(follower).next();
    const LogIndex first_cached = state_.log().first_cached();
    if (next >= first_cached) co_return state_.compose_entries(follower);

    std::vector<Entry> entries =
        co_await reader_.read(next, first_cached - 1, state_.options().replication.batch_bytes);
    const bool still_next =
        state_.may_send_entries(follower) && state_.progress(follower).next() == next;
    if (still_next) co_return state_.compose_entries(follower, std::move(entries));
  }
}

Task<> Node::send_batch(Outgoing<AppendEntries> asked) {
  if (!state_.still(asked.epoch)) co_return;
  const TimePoint deadline = deadline_after(now(), kBatchTimeout);
  const std::optional<AppendEntriesReply> reply = co_await transport_.call(asked.message, deadline);
  bool refused_in_vain = false;
  if (reply) {
    refused_in_vain = !state_.handle(asked, *reply, now());
  } else {
    state_.entries_lost(asked);
  }
  state_changed();
  if (refused_in_vain) co_await sleep_for(state_.options().timing.heartbeat);
  state_.entries_ended(asked);
  state_changed();
}

}  // namespace coracle::raft
