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
    ModelDisk& disk = disks_[id];
    disk.log = entries_of(setup_.logs[id]);
    disk.hard_state.term = disk.log.empty() ? 0 : disk.log.back().term;
    if (setup_.hard_states.contains(id)) disk.hard_state = setup_.hard_states[id];
  }
  for (auto& [id, member] : members_) start(member);
}

void ModelCluster::start(Member& member) {
  ++member.life;
  const auto options = setup_.options_of.find(member.id);
  const ServerId id = member.id;
  member.state = std::make_unique<State>(
      Identity{.cluster = kCluster, .self = id, .incarnation = life(id, member.life)},
      options == setup_.options_of.end() ? setup_.options : options->second, Configuration(ids()),
      disks_.at(id).recovered(), *member.random,
      [this, id](const Event& event) { events_.push_back({now_, id, event}); }, now_);
  member.unwritten.clear();
  member.held.clear();
  member.has_acted = false;
  history_.started(id);
  settle(member);
}

// ---- Faults ----

// Of the write that was under way, the first few changes have reached the disk, or none, or all.
void ModelCluster::crash(ServerId id) {
  Member& member = members_.at(id);
  member.state.reset();
  ++member.life;
  const std::size_t stored = random_.below(member.writing.size() + 1);
  for (std::size_t i = 0; i < stored; ++i) disks_.at(id).store(member.writing[i]);
  member.writing.clear();
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
    next = std::min({next, member.state->election_deadline(), member.state->leader_deadline(),
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

bool ModelCluster::all_agree() const {
  return std::ranges::all_of(ids(), [&](ServerId id) {
    return is_up(id) && disk(id).log == committed() &&
           state(id).log().last().index == committed().size() &&
           state(id).commit_index() == committed().size();
  });
}

std::vector<ServerId> ModelCluster::ids() const {
  std::vector<ServerId> all;
  for (const auto& [id, member] : members_) all.push_back(id);
  return all;
}

}  // namespace coracle::raft
