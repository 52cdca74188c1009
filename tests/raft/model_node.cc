// What a node does with its State, and what becomes of what it sends.
#include <algorithm>
#include <string>

#include "runtime/check.h"
#include "tests/raft/model_cluster.h"
#include "tests/raft/server.h"

namespace coracle::raft {

namespace {

// No two clocks on a wall agree.
std::int64_t wall_time(ServerId id, TimePoint now) {
  const Duration skew = std::chrono::seconds(10) * static_cast<std::int64_t>(id % 3);
  return kWallTime + (now - at({})).count() + skew.count();
}

}  // namespace

void ModelCluster::propose() {
  const std::string text = std::to_string(++proposed_);
  for (auto& [id, member] : members_) {
    if (member.state == nullptr || member.paused) continue;
    if (member.state->role() != Role::leader) continue;
    member.state->append(EntryKind::command, SharedBytes(text), now_, wall_time(id, now_));
    settle(member);
  }
}

void ModelCluster::pass_deadlines(Member& member) {
  State& state = *member.state;
  if (state.role() != Role::leader && state.election_deadline() <= now_) {
    state.timeout(now_);
  } else if (state.leader_deadline() <= now_) {
    state.check_leadership(now_);
  } else if (member.next_round <= now_) {
    member.has_acted = false;
  }
  settle(member);
}

void ModelCluster::settle(Member& member) {
  take_changes(member);
  act(member);
  take_changes(member);
  write(member);
  history_.check(member.id, *member.state, now_);
}

void ModelCluster::act(Member& member) {
  State& state = *member.state;
  if (state.asks_for_pre_votes() && state.pre_vote_won()) state.begin_election(now_);
  if (state.election_won()) state.become_leader(now_, wall_time(member.id, now_));
  if (!member.has_acted || member.acted_for != state.epoch()) act_for_role(member);
  send_entries(member);
  state.applied_up_to(state.commit_index());
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

// ---- Its disk ----

void ModelCluster::take_changes(Member& member) {
  for (Change& change : member.state->take_changes()) {
    history_.changed(member.id, *member.state, change);
    member.unwritten.push_back(std::move(change));
  }
}

// One write at a time, of all that has gathered.
void ModelCluster::write(Member& member) {
  if (!member.writing.empty() || member.unwritten.empty()) return;
  member.writing = std::exchange(member.unwritten, {});
  at(now_ + random_.between(setup_.sync_min, setup_.sync_max),
     [this, id = member.id, life = member.life] { written(id, life); });
}

void ModelCluster::written(ServerId id, std::uint64_t life) {
  Member& member = members_.at(id);
  if (member.life != life) return;
  for (const Change& change : member.writing) disks_.at(id).store(change);
  member.writing.clear();
  let(id, life, [this, &member, change = disks_.at(id).change](State& state) {
    state.durable_up_to(change, now_);
    for (auto& [after, action] : std::exchange(member.held, {})) {
      if (state.is_durable(after)) {
        action();
      } else {
        member.held.emplace_back(after, std::move(action));
      }
    }
  });
}

// ---- Entries ----

// Those that are in memory no more are read from the disk.
void ModelCluster::send_entries(Member& member) {
  State& state = *member.state;
  if (state.role() != Role::leader) return;
  for (const ServerId peer : state.peers()) {
    while (state.may_send_entries(peer)) {
      const LogIndex next = state.progress(peer).next();
      Outgoing<AppendEntries> asked;
      if (next >= state.log().first_cached()) {
        asked = state.compose_entries(peer);
      } else {
        const Entry& found = disks_.at(member.id).log.at(next - 1);
        asked = state.compose_entries(peer, std::vector<Entry>{found});
      }
      give_up_in_time(member, asked);
      send(member, std::move(asked));
    }
  }
}

void ModelCluster::give_up_in_time(const Member& member, const Outgoing<AppendEntries>& asked) {
  const Question question{member.id, member.life, asked.message.header.request};
  unanswered_.insert(question);
  at(now_ + setup_.options.timing.timeout_max, [this, question, asked] {
    let(question.asker, question.life, [this, question, asked](State& state) {
      if (unanswered_.erase(question) == 0) return;
      state.entries_lost(asked);
      state.entries_ended(asked);
    });
  });
}

// ---- The network ----

template <class Request>
void ModelCluster::send(Member& member, Outgoing<Request> request) {
  const ServerId from = member.id;
  const ServerId to = request.message.header.to;
  const std::uint64_t life = member.life;
  const ChangeNumber after = request.after;
  const bool is_durable = member.state->is_durable(after);
  std::function<void()> leave = [this, from, to, life, request = std::move(request)] {
    if constexpr (std::is_same_v<Request, RequestVote>) {
      history_.told_vote(from, request.message.term, from);
    }
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
        if (message.granted) history_.told_vote(to, message.term, from);
      }
      carry(to, from, [this, from, life, request, message] {
        let(from, life,
            [this, request, message](State& asker) { take_reply(asker, request, message); });
      });
    };
    if (state.is_durable(reply->after)) return leave();
    members_.at(to).held.emplace_back(reply->after, leave);
  });
}

template <class Request, class ReplyMessage>
void ModelCluster::take_reply(State& asker, const Outgoing<Request>& request,
                              const ReplyMessage& reply) {
  asker.handle(request, reply, now_);
  if constexpr (std::is_same_v<Request, AppendEntries>) {
    const Identity& self = asker.identity();
    const Question question{self.self, self.incarnation.start, request.message.header.request};
    if (unanswered_.erase(question) == 0) return;  // a heartbeat, or a second copy
    if (!reply.success && reply.refusal != Refusal::log_mismatch) asker.entries_lost(request);
    asker.entries_ended(request);
  }
}

}  // namespace coracle::raft
