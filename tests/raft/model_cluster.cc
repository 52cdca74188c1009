#include "tests/raft/model_cluster.h"

#include <algorithm>

#include "runtime/check.h"
#include "tests/raft/server.h"

namespace coracle::raft {

ModelCluster::ModelCluster(const ModelSetup& setup)
    : setup_(setup), random_(setup.seed), now_(raft::at({})) {
  for (ServerId id = 1; id <= setup_.servers; ++id) {
    Member& member = members_[id];
    member.id = id;
    member.random = std::make_unique<Random>(random_.next());
    const std::vector<Term>& log = setup_.logs[id];
    member.stored = {.term = log.empty() ? 0 : log.back(), .vote = kNobody};
    if (setup_.hard_states.contains(id)) member.stored = setup_.hard_states[id];
  }
  for (auto& [id, member] : members_) start(member);
}

// ---- Faults ----

void ModelCluster::start(Member& member) {
  ++member.life;
  const auto options = setup_.options_of.find(member.id);
  const ServerId id = member.id;
  Recovered recovered{
      .hard_state = member.stored, .change = member.stored_change, .log = Log(setup_.logs[id])};
  member.state = std::make_unique<State>(
      Identity{.cluster = kCluster, .self = id, .incarnation = life(id, member.life)},
      options == setup_.options_of.end() ? setup_.options : options->second, Configuration(ids()),
      std::move(recovered), *member.random,
      [this, id](const Event& event) { events_.push_back({now_, id, event}); }, now_);
  member.storing = false;
  member.held.clear();
  member.has_acted = false;
  settle(member);
}

void ModelCluster::crash(ServerId id) {
  Member& member = members_.at(id);
  member.state.reset();
  ++member.life;
  member.paused = false;
  member.waiting.clear();
}

void ModelCluster::restart(ServerId id) { start(members_.at(id)); }

void ModelCluster::pause(ServerId id) { members_.at(id).paused = true; }

// Input that has arrived comes before deadlines that have passed. (C3)
void ModelCluster::resume(ServerId id) {
  Member& member = members_.at(id);
  member.paused = false;
  for (const auto& action : std::exchange(member.waiting, {})) action();
  if (member.state != nullptr) pass_deadlines(member);
}

void ModelCluster::cut(ServerId one, ServerId other) {
  cut_one_way(one, other);
  cut_one_way(other, one);
}

void ModelCluster::cut_one_way(ServerId from, ServerId to) { cut_.insert({from, to}); }

void ModelCluster::isolate(ServerId id) {
  for (const ServerId other : ids()) {
    if (other != id) cut(id, other);
  }
}

// ---- Time ----

void ModelCluster::run_for(Duration span) {
  const TimePoint end = now_ + span;
  while (next_event() <= end) advance_to(next_event());
  now_ = end;
}

bool ModelCluster::run_until(const std::function<bool()>& holds, Duration limit) {
  const TimePoint end = now_ + limit;
  while (!holds() && next_event() <= end) advance_to(next_event());
  return holds();
}

ServerId ModelCluster::run_until_leader(Duration limit) {
  const auto is_led = [this] {
    const ServerId candidate = leader();
    if (candidate == kNobody) return false;
    std::size_t followers = 0;
    for (const auto& [id, member] : members_) {
      if (member.state != nullptr && member.state->leader() == candidate &&
          member.state->term() == state(candidate).term()) {
        ++followers;
      }
    }
    return followers >= members_.size() / 2 + 1;
  };
  return run_until(is_led, limit) ? leader() : kNobody;
}

TimePoint ModelCluster::next_event() const {
  TimePoint next = agenda_.empty() ? kNever : agenda_.begin()->first;
  for (const auto& [id, member] : members_) {
    if (member.state == nullptr || member.paused) continue;
    next = std::min({next, member.state->election_deadline(), member.state->quorum_deadline(),
                     member.next_round});
  }
  return std::max(next, now_);
}

// Everything that is due at one instant: messages first. (C3)
void ModelCluster::advance_to(TimePoint when) {
  now_ = when;
  if (!agenda_.empty() && agenda_.begin()->first <= now_) {
    const auto action = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    action();
    return;
  }
  for (auto& [id, member] : members_) {
    if (member.state != nullptr && !member.paused) pass_deadlines(member);
  }
}

void ModelCluster::at(TimePoint when, std::function<void()> action) {
  agenda_.emplace(when, std::move(action));
}

// Calls a server's State, if it still lives that life; later, if it is paused.
void ModelCluster::let(ServerId id, std::uint64_t life, std::function<void(State&)> act) {
  Member& member = members_.at(id);
  if (member.state == nullptr || (life != 0 && member.life != life)) return;
  if (member.paused) {
    member.waiting.push_back([this, id, life, act] { let(id, life, act); });
    return;
  }
  act(*member.state);
  settle(member);
}

// ---- What a node does ----

void ModelCluster::pass_deadlines(Member& member) {
  State& state = *member.state;
  if (state.role() != Role::leader && state.election_deadline() <= now_) {
    state.timeout(now_);
  } else if (state.quorum_deadline() <= now_) {
    state.check_quorum(now_);
  } else if (member.next_round <= now_) {
    member.has_acted = false;
  }
  settle(member);
}

void ModelCluster::settle(Member& member) {
  State& state = *member.state;
  if (state.asks_for_pre_votes() && state.pre_vote_won()) state.begin_election(now_);
  store(member);
  if (state.election_won()) state.become_leader(now_);
  if (!member.has_acted || member.acted_for != state.epoch()) act_for_role(member);
  check(member);
}

void ModelCluster::act_for_role(Member& member) {
  State& state = *member.state;
  member.has_acted = true;
  member.acted_for = state.epoch();
  member.next_round = deadline_after(now_, state.options().timing.heartbeat);
  if (state.asks_for_pre_votes()) {
    for (const ServerId voter : state.voting_peers()) send(member, state.compose_pre_vote(voter));
  } else if (state.role() == Role::candidate) {
    for (const ServerId voter : state.voting_peers()) {
      send(member, state.compose_request_vote(voter));
    }
  } else if (state.role() == Role::leader) {
    for (const ServerId peer : state.peers()) send(member, state.compose_heartbeat(peer));
  } else {
    member.next_round = kNever;
  }
}

// One write at a time; a crash before its end leaves the record before, or this one.
void ModelCluster::store(Member& member) {
  State& state = *member.state;
  if (member.storing || state.is_durable(state.last_change())) return;
  member.storing = true;
  const HardState record = state.hard_state();
  const ChangeNumber change = state.last_change();
  const ServerId id = member.id;
  const std::uint64_t life = member.life;
  if (random_.chance(0.5)) member.stored = record, member.stored_change = change;
  at(now_ + random_.between(setup_.sync_min, setup_.sync_max), [this, id, life, record, change] {
    Member& owner = members_.at(id);
    if (owner.life != life) return;
    owner.stored = record;
    owner.stored_change = change;
    owner.storing = false;
    let(id, life, [&owner, change](State& stored) {
      stored.durable_up_to(change);
      for (const auto& [after, action] : std::exchange(owner.held, {})) {
        if (stored.is_durable(after)) {
          action();
        } else {
          owner.held.emplace_back(after, action);
        }
      }
    });
  });
}

template <class Request>
void ModelCluster::send(Member& member, Outgoing<Request> request) {
  const ServerId from = member.id;
  const ServerId to = request.message.header.to;
  const std::uint64_t life = member.life;
  const ChangeNumber after = request.after;
  const bool is_durable = member.state->is_durable(after);
  std::function<void()> leave = [this, from, to, life, request = std::move(request)] {
    if constexpr (std::is_same_v<Request, RequestVote>) tell_vote(from, request.message.term, from);
    carry(from, to, [this, from, to, life, request] { deliver(to, from, life, request); });
  };
  if (is_durable) return leave();
  member.held.emplace_back(after, std::move(leave));
}

void ModelCluster::carry(ServerId from, ServerId to, const std::function<void()>& deliver) {
  if (cut_.contains({from, to}) || random_.chance(setup_.loss)) return;
  at(now_ + random_.between(setup_.latency_min, setup_.latency_max), deliver);
  if (!random_.chance(setup_.duplication)) return;
  at(now_ + random_.between(setup_.latency_min, setup_.latency_max * 50), deliver);
}

// At the addressee; the reply leaves when what it tells is durable there.
template <class Request>
void ModelCluster::deliver(ServerId to, ServerId from, std::uint64_t life,
                           const Outgoing<Request>& request) {
  let(to, 0, [this, to, from, life, request](State& state) {
    const auto reply = state.handle(request.message, now_);
    if (!reply) return;
    const auto leave = [this, to, from, life, request, message = reply->message] {
      if constexpr (std::is_same_v<Request, RequestVote>) {
        if (message.granted) tell_vote(to, message.term, from);
      }
      carry(to, from, [this, from, life, request, message] {
        let(from, life,
            [this, request, message](State& asker) { asker.handle(request, message, now_); });
      });
    };
    if (state.is_durable(reply->after)) return leave();
    members_.at(to).held.emplace_back(reply->after, leave);
  });
}

// ---- What must hold ----

// A server that lets others know of its vote is bound by it for ever.
void ModelCluster::tell_vote(ServerId voter, Term term, ServerId candidate) {
  const auto told = vote_told_.try_emplace({voter, term}, candidate).first;
  CORACLE_CHECK(told->second == candidate, "one vote per term, over all lives");
  const HardState stored = members_.at(voter).stored;
  CORACLE_CHECK(stored.term > term || stored == (HardState{.term = term, .vote = candidate}),
                "no vote is told that is not durable");
}

void ModelCluster::check(const Member& member) {
  const State& state = *member.state;
  if (state.role() == Role::leader) {
    const auto first = leader_of_term_.try_emplace(state.term(), member.id).first;
    CORACLE_CHECK(first->second == member.id, "one leader per term, over all history");
    CORACLE_CHECK(member.stored.term >= state.term(), "no term is led that is not durable");
  } else {
    CORACLE_CHECK(
        state.election_deadline() <= deadline_after(now_, state.options().timing.timeout_max),
        "every server that does not lead waits no longer than the longest timeout");
  }
  Term& seen = term_seen_[member.id];
  if (state.is_durable(state.last_change())) {
    CORACLE_CHECK(state.term() >= seen, "terms never fall, over all lives");
    seen = state.term();
  }
}

// ---- Looking ----

ServerId ModelCluster::leader() const {
  ServerId found = kNobody;
  Term term = 0;
  for (const auto& [id, member] : members_) {
    if (member.state == nullptr || member.state->role() != Role::leader) continue;
    if (found == kNobody || member.state->term() > term) found = id, term = member.state->term();
  }
  return found;
}

Term ModelCluster::highest_term() const {
  Term highest = 0;
  for (const auto& [id, member] : members_) {
    if (member.state != nullptr) highest = std::max(highest, member.state->term());
  }
  return highest;
}

std::size_t ModelCluster::count(EventKind kind, TimePoint since) const {
  return static_cast<std::size_t>(std::ranges::count_if(events_, [&](const Happened& happened) {
    return happened.event.kind == kind && happened.when >= since;
  }));
}

std::vector<ServerId> ModelCluster::ids() const {
  std::vector<ServerId> all;
  for (const auto& [id, member] : members_) all.push_back(id);
  return all;
}

}  // namespace coracle::raft
