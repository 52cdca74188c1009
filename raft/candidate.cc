// Won, beaten, or timed out and again. (Raft §5.2)
#include "raft/node.h"
#include "runtime/wall_time.h"

namespace coracle::raft {

Task<> Node::stand_for_election() {
  const bool lasts = co_await while_it_lasts(gather_votes());
  if (!lasts) co_return;  // another leader or a newer term was heard
  if (state_.election_won()) {
    state_.become_leader(now(), wall_time_now().time_since_epoch().count());
  } else if (state_.election_deadline() <= now()) {
    state_.timeout(now());
  }
  state_changed();
}

// Asks all voters at once, and each again until it answers. Whoever was refused by a majority
// waits for its deadline all the same: terms do not storm.
Task<> Node::gather_votes() {
  co_await task_group([this](TaskGroup& round) -> Task<> {
    for (const ServerId voter : state_.voting_peers()) {
      round.spawn("ask_for_vote", &Node::ask_for_vote, this, voter);
    }
    while (!state_.election_won()) {
      const bool changed = co_await changed_before(&State::election_deadline);
      if (!changed) break;
    }
    round.cancel();
  });
}

Task<> Node::ask_for_vote(ServerId voter) {
  if (!state_.still(role_epoch_)) co_return;  // the election was over before this began
  const Outgoing<RequestVote> question = state_.compose_request_vote(voter);
  co_await ask(question);
}

}  // namespace coracle::raft
