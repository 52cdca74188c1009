#include "raft/sim/log_invariants.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "runtime/check.h"

namespace coracle::raft::sim {
namespace {

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed) | 1U;  // never 0
}

std::uint64_t hash_of(const raft::Entry& entry) {
  const auto kind = static_cast<std::uint64_t>(entry.kind);
  return hash_of(entry.data.view(), kind ^ static_cast<std::uint64_t>(entry.log_time) << 8U);
}

}  // namespace

// ---- Log Matching, Leader Append-Only ----

void LogMatching::started(const View& server) {
  seen_[server.id] = {};
  observe(server);
}

void LogMatching::observe(const View& server) {
  const Log& log = server.state.log();
  Seen& seen = seen_[server.id];
  const LogIndex last = log.last().index;
  const LogIndex before = seen.terms.size();
  const bool is_longer =
      last >= before && (before == 0 || log.at(before).term == seen.terms[before - 1]);
  const bool leads = server.state.role() == Role::leader;
  if (leads && seen.led == server.state.term()) {
    CORACLE_CHECK(is_longer, "a leader only appends to its log (Raft Figure 3)");
  }
  seen.led = leads ? server.state.term() : 0;
  LogIndex same = before;
  if (!is_longer) {  // entries were deleted, and perhaps others appended
    same = 0;
    while (same < std::min(last, before) && log.at(same + 1).term == seen.terms[same]) ++same;
  }
  seen.terms.resize(same);
  for (LogIndex index = same + 1; index <= last; ++index) {
    check_entry(server, index);
    seen.terms.push_back(log.at(index).term);
  }
}

// Each entry has the same one before it, and the same content, wherever it is: by induction all
// before it are the same.
void LogMatching::check_entry(const View& server, LogIndex index) {
  const Log& log = server.state.log();
  const Term previous = log.at(index - 1).term;
  const auto [found, is_new] = entries_.try_emplace(log.at(index), Entry{.previous = previous});
  CORACLE_CHECK(found->second.previous == previous,
                "logs that agree in an entry agree in all before it (Raft Figure 3)");
  if (index < log.first_cached()) return;
  const std::uint64_t content = hash_of(log.entry(index));
  if (found->second.content == 0) found->second.content = content;
  CORACLE_CHECK(found->second.content == content,
                "there is one entry of an index and a term (Raft Figure 3)");
  if (index == log.first_cached()) return;
  CORACLE_CHECK(log.entry(index).log_time >= log.entry(index - 1).log_time,
                "log time never falls, whichever clocks the leaders had (R3)");
}

// ---- Leader Completeness, State Machine Safety ----

void Commitment::started(const View& server) {
  seen_[server.id] = {};
  disks_[server.id] = &server.disk;
}

void Commitment::elected(const View& server) {
  check_has_committed(server);
  const Log& log = server.state.log();
  Tail& tail = tails_[server.state.term()];
  tail.before = committed_.size();
  for (LogIndex index = tail.before + 1; index <= log.last().index; ++index) {
    tail.terms.push_back(log.at(index).term);
  }
}

void Commitment::observe(const View& server) {
  Seen& seen = seen_[server.id];
  CORACLE_CHECK(server.state.commit_index() >= seen.commit, "the commit index never falls");
  CORACLE_CHECK(server.state.applied_index() <= server.state.commit_index(),
                "only what is committed is applied (Raft Figure 2)");
  while (seen.commit < server.state.commit_index()) check_committed(server, ++seen.commit);
}

// Of entries that were committed in its own term it is the judge itself.
void Commitment::check_has_committed(const View& leader) const {
  for (LogIndex index = committed_.size(); index > 0; --index) {
    if (committed_in_[index - 1] >= leader.state.term()) continue;
    const LogPosition entry{.term = committed_[index - 1], .index = index};
    CORACLE_CHECK(leader.state.log().holds(entry),
                  "a leader has all that was committed before (Raft Figure 3)");
    return;  // and with it, by Log Matching, all before it
  }
}

// They only append: what they had when they were elected, they have now. (LogMatching)
void Commitment::check_later_leaders(LogPosition committed, Term in) const {
  for (auto later = tails_.upper_bound(in); later != tails_.end(); ++later) {
    const Tail& tail = later->second;
    const LogIndex at = committed.index - tail.before - 1;
    CORACLE_CHECK(at < tail.terms.size() && tail.terms[at] == committed.term,
                  "what an old leader commits, those of later terms have (Raft Figure 3)");
  }
}

void Commitment::check_committed(const View& server, LogIndex index) {
  const LogPosition entry = server.state.log().at(index);
  if (index <= committed_.size()) {
    CORACLE_CHECK(committed_[index - 1] == entry.term,
                  "no two servers commit different entries at one index (Raft Figure 3)");
    return;
  }
  const LogPosition up_to = server.state.log().at(server.state.commit_index());
  if (server.state.role() == Role::leader) {  // and not one that has stepped down in this pass
    CORACLE_CHECK(up_to.term == server.state.term(),
                  "a leader commits by counting only entries of its own term (Raft §5.4.2)");
  }
  const std::vector<ServerId>& voters = server.state.configuration().voters();
  const auto stored = std::ranges::count_if(voters, [&](ServerId voter) {
    const auto disk = disks_.find(voter);
    return disk != disks_.end() && holds(disk->second->log(), up_to);
  });
  CORACLE_CHECK(static_cast<std::size_t>(stored) > voters.size() / 2,
                "what is committed is durable on a majority (Raft §5.3, B36)");
  check_later_leaders(entry, up_to.term);
  committed_.push_back(entry.term);
  committed_in_.push_back(up_to.term);
}

void Commitment::applied(const View& server, const Command& command) {
  observe(server);
  Seen& seen = seen_[server.id];
  CORACLE_CHECK(command.index > seen.applied, "commands are applied in the order of the log");
  seen.applied = command.index;
  CORACLE_CHECK(command.index <= committed_.size(), "only what is committed is applied");
  const std::uint64_t content = hash_of(command.data, static_cast<std::uint64_t>(command.log_time));
  const auto first = applied_.try_emplace(command.index, content).first;
  CORACLE_CHECK(first->second == content,
                "no two servers apply different commands at one index (Raft Figure 3)");
}

// ---- Match indices ----

void MatchIsDurable::started(const View& server) {
  disks_[server.id] = &server.disk;
  leaders_.erase(server.id);
}

void MatchIsDurable::observe(const View& server) {
  if (server.state.role() != Role::leader) return;
  Leadership& leadership = leaders_[server.id];
  if (std::exchange(leadership.term, server.state.term()) != server.state.term()) {
    leadership.followers.clear();
    for (const ServerId peer : server.state.peers()) leadership.followers.push_back({.id = peer});
  }
  for (Follower& follower : leadership.followers) {
    const LogIndex matched = server.state.progress(follower.id).matched();
    if (std::exchange(follower.matched, matched) != matched) {
      check_match(server, follower.id, matched);
    }
  }
}

// Its disk was read when it acknowledged this, so that it need not be read again.
void MatchIsDurable::check_match(const View& leader, ServerId follower, LogIndex matched) const {
  const LogPosition entry = leader.state.log().at(matched);
  const auto found = disks_.find(follower);
  CORACLE_CHECK(found != disks_.end(), "only who has started can have stored something");
  const DurableRecord& disk = *found->second;
  if (holds(disk.log_as_read(), entry) || holds(disk.log(), entry)) return;
  CORACLE_CHECK(disk.has_held(entry) && disk.read().term > leader.state.term(),
                "a match index counts what the follower's disk holds (Raft Figure 2, B36)");
}

// ---- Durable ----

// Logs that end with the same entry are the same. (LogMatching)
void DurableBeforeAcknowledged::started(const View& server) {
  const LogPosition durable = server.disk.log().last();
  const LogPosition found = server.state.log().last();
  CORACLE_CHECK(found >= durable, "a start finds all of the log that is on the disk (D5, B53)");
  CORACLE_CHECK(found <= durable, "what a start has found is durable before it is told (D10)");
}

void DurableBeforeAcknowledged::sends(const Message& message, const View& server) {
  LogPosition told;
  if (message.kind == MessageKind::append_entries_reply && message.granted) told = message.matched;
  if (message.kind == MessageKind::request_vote) told = message.log;
  if (message.kind == MessageKind::pre_vote) told = message.log;
  if (told.index == 0) return;
  if (holds(server.disk.log(), told)) return;
  // It was durable when the reply was decided, and another leader's entries have replaced it since.
  const bool is_replaced = message.kind == MessageKind::append_entries_reply &&
                           message.term < server.state.term() && server.disk.has_held(told);
  CORACLE_CHECK(is_replaced, "no entry is told of that is not durable (Raft Figure 2, V11)");
}

}  // namespace coracle::raft::sim
