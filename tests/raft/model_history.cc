#include "tests/raft/model_history.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::raft {

void ModelHistory::started(ServerId id) {
  Server& server = servers_[id];
  server.log.clear();
  server.commit = 0;
  for (const Entry& entry : disks_.at(id).log) {
    server.log.push_back(entry);
    note_entry(server.log);
  }
}

// Log Matching: if two logs contain an entry with the same index and term, then the logs are
// identical in all entries up through the given index. By induction it is enough to compare the
// entry and the term before it.
void ModelHistory::note_entry(const std::vector<Entry>& log) {
  const Entry& entry = log.back();
  const Term previous = log.size() > 1 ? log[log.size() - 2].term : 0;
  const auto known =
      known_.try_emplace({.term = entry.term, .index = log.size()}, Known{entry, previous}).first;
  CORACLE_CHECK(known->second.entry == entry, "one entry per term and index (Log Matching)");
  CORACLE_CHECK(known->second.previous == previous, "what is before it is alike (Log Matching)");
}

void ModelHistory::changed(ServerId id, const State& state, const Change& change) {
  Server& server = servers_[id];
  if (const auto* appended = std::get_if<AppendedEntry>(&change.what)) {
    CORACLE_CHECK(appended->index == server.log.size() + 1, "entries are appended behind the last");
    server.log.push_back(appended->entry);
    note_entry(server.log);
  }
  if (const auto* truncated = std::get_if<Truncation>(&change.what)) {
    CORACLE_CHECK(state.role() != Role::leader,
                  "a leader never deletes an entry of its log (Leader Append-Only)");
    CORACLE_CHECK(truncated->last.index < server.log.size(), "a truncation removes something");
    CORACLE_CHECK(truncated->last.index >= server.commit, "what is committed is never deleted");
    server.log.resize(truncated->last.index);
  }
}

// A server that lets others know of its vote is bound by it for ever.
void ModelHistory::told_vote(ServerId voter, Term term, ServerId candidate) {
  const auto told = vote_told_.try_emplace({voter, term}, candidate).first;
  CORACLE_CHECK(told->second == candidate, "one vote per term, over all lives");
  const HardState stored = disks_.at(voter).hard_state;
  CORACLE_CHECK(stored.term > term || stored == (HardState{.term = term, .vote = candidate}),
                "no vote is told that is not durable");
}

void ModelHistory::check(ServerId id, const State& state, TimePoint now) {
  check_role(id, state, now);
  check_log(id, state);
  if (state.role() == Role::leader) check_new_leader(id, state);
  check_commit(id, state);
  if (state.role() == Role::leader) check_progress(state);
}

void ModelHistory::check_role(ServerId id, const State& state, TimePoint now) {
  if (state.role() == Role::leader) {
    const auto first = leader_of_term_.try_emplace(state.term(), id).first;
    CORACLE_CHECK(first->second == id, "one leader per term, over all history (Election Safety)");
    CORACLE_CHECK(disks_.at(id).hard_state.term >= state.term(),
                  "no term is led that is not durable");
  } else {
    CORACLE_CHECK(
        state.election_deadline() <= deadline_after(now, state.options().timing.timeout_max),
        "every server that does not lead waits no longer than the longest timeout");
  }
  Term& seen = servers_[id].durable_term;
  if (state.is_durable(state.last_change())) {
    CORACLE_CHECK(state.term() >= seen, "terms never fall, over all lives");
    seen = state.term();
  }
}

void ModelHistory::check_log(ServerId id, const State& state) {
  const std::vector<Entry>& log = servers_[id].log;
  const LogPosition last = state.log().last();
  CORACLE_CHECK(last.index == log.size() && (log.empty() || last.term == log.back().term),
                "a log is what its changes make of it");
  CORACLE_CHECK(state.term() >= last.term, "no entry is of a term still to come");
  CORACLE_CHECK(disks_.at(id).holds(state.log().durable()), "what is called durable is on disk");
}

// Leader Completeness: what was committed in an earlier term is in the log of every later leader.
void ModelHistory::check_new_leader(ServerId id, const State& state) {
  Server& server = servers_[id];
  if (std::exchange(server.led, state.term()) == state.term()) return;
  for (std::size_t i = 0; i < committed_.size() && committed_in_[i] < state.term(); ++i) {
    CORACLE_CHECK(i < server.log.size() && server.log[i] == committed_[i],
                  "a leader has all that was committed before (Leader Completeness)");
  }
}

void ModelHistory::check_commit(ServerId id, const State& state) {
  Server& server = servers_[id];
  CORACLE_CHECK(state.commit_index() >= server.commit, "the commit index never falls");
  CORACLE_CHECK(state.commit_index() <= server.log.size(), "only entries we hold are committed");
  if (state.commit_index() > committed_.size()) commit_next(id, state);
  for (LogIndex index = server.commit; index < state.commit_index(); ++index) {
    CORACLE_CHECK(server.log[index] == committed_[index],
                  "all commit the same entry at an index (State Machine Safety)");
  }
  server.commit = state.commit_index();
}

// Commitment: on the disks of a majority, by counting an entry of the leader's own term. (§5.4.2)
void ModelHistory::commit_next(ServerId id, const State& state) {
  const LogPosition last = state.log().at(state.commit_index());
  CORACLE_CHECK(state.role() == Role::leader, "leaders commit, and others hear of it");
  CORACLE_CHECK(last.term == state.term(), "only entries of the own term are counted (§5.4.2)");
  const auto stored = static_cast<std::size_t>(std::ranges::count_if(
      disks_, [&](const ModelDisks::value_type& disk) { return disk.second.holds(last); }));
  CORACLE_CHECK(stored > disks_.size() / 2, "what is committed is durable on a majority");
  const std::vector<Entry>& log = servers_[id].log;
  for (std::size_t i = committed_.size(); i < last.index; ++i) {
    committed_.push_back(log[i]);
    committed_in_.push_back(state.term());
  }
}

// What a leader takes for durable at a follower is on its disk, unless a later leader has had it
// removed.
void ModelHistory::check_progress(const State& state) {
  for (const ServerId peer : state.peers()) {
    const ModelDisk& disk = disks_.at(peer);
    if (disk.hard_state.term > state.term()) continue;
    CORACLE_CHECK(disk.holds(state.log().at(state.progress(peer).matched())),
                  "what a leader takes for durable is (Raft Figure 2: matchIndex)");
  }
}

}  // namespace coracle::raft
