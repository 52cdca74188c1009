// Followers are passive: they answer leaders and candidates (state_voter.cc, state_append.cc).
// An election timeout of silence ends that. (Raft §5.2)
#include <utility>

#include "raft/node.h"

namespace coracle::raft {

Task<> Node::follow() {
  Task<> waiting = state_.asks_for_pre_votes() ? gather_pre_votes() : await_silence();
  const bool lasts = co_await while_it_lasts(std::move(waiting));
  if (!lasts) co_return;  // a leader, a candidate or a newer term was heard
  if (state_.pre_vote_won()) {
    state_.begin_election(now());
  } else if (state_.election_deadline() <= now()) {
    state_.timeout(now());
  }
  state_changed();
}

Task<> Node::await_silence() {
  for (;;) {
    const bool changed = co_await changed_before(&State::election_deadline);
    if (!changed) co_return;
  }
}

// Would I win? A round raises no term, so a server that was cut off disturbs nobody with it.
// (Dissertation §9.6)
Task<> Node::gather_pre_votes() {
  co_await task_group([this](TaskGroup& round) -> Task<> {
    for (const ServerId voter : state_.voting_peers()) {
      round.spawn("ask_for_pre_vote", &Node::ask_for_pre_vote, this, voter);
    }
    while (!state_.pre_vote_won()) {
      const bool changed = co_await changed_before(&State::election_deadline);
      if (!changed) break;  // the time is up: another round, with a new draw
    }
    round.cancel();
  });
}

Task<> Node::ask_for_pre_vote(ServerId voter) {
  if (!state_.still(role_epoch_)) co_return;  // the round was over before this began
  const Outgoing<PreVote> question = state_.compose_pre_vote(voter);
  co_await ask(question);
}

}  // namespace coracle::raft
