// What must hold of the replicated log in every run of a cluster: the rest of Raft Figure 3, and
// what makes it durable. Looked at like invariants.h, which has what is about elections.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "raft/sim/durable_record.h"
#include "raft/sim/message.h"
#include "raft/sim/view.h"
#include "raft/state_machine.h"
#include "raft/types.h"

namespace coracle::raft::sim {

// Log Matching (Raft Figure 3): if two logs contain an entry with the same index and term, then the
// logs are identical in all entries up through the given index. Over all servers and lives.
// Leader Append-Only: a leader never overwrites or deletes entries in its log.
// And the times that leaders stamp on entries never fall along a log. (R3)
class LogMatching {
 public:
  void started(const View& server);
  void observe(const View& server);

 private:
  struct Entry {
    Term previous = 0;
    std::uint64_t content = 0;  // a hash; 0 where nobody has seen it
  };
  struct Seen {
    std::vector<Term> terms;  // of this life's log, when last looked at
    Term led = 0;             // the term in which it led then
  };
  void check_entry(const View& server, LogIndex index);

  std::map<LogPosition, Entry> entries_;
  std::map<ServerId, Seen> seen_;
};

// Leader Completeness (Raft Figure 3): if an entry is committed in a given term, then it is present
// in the logs of the leaders of all higher terms: when one of them is elected, and as well when it
// had been elected before an old leader committed.
// State Machine Safety: no two servers commit, or apply, different entries at one index.
// And what is committed is durable on a majority at that moment, and was committed by an entry of
// the leader's own term (§5.4.2).
class Commitment {
 public:
  void started(const View& server);
  // It has become leader.
  void elected(const View& server);
  void observe(const View& server);
  void applied(const View& server, const Command& command);

 private:
  struct Seen {
    LogIndex commit = 0;
    LogIndex applied = 0;  // of commands, in this life
  };
  // The terms of what a leader's log held at its election, behind all that was committed then.
  struct Tail {
    LogIndex before = 0;  // the last of these
    std::vector<Term> terms;
  };
  void check_has_committed(const View& leader) const;
  void check_committed(const View& server, LogIndex index);
  void check_later_leaders(LogPosition committed, Term in) const;

  std::map<ServerId, Seen> seen_;
  std::map<Term, Tail> tails_;  // of the leader of each term
  std::map<ServerId, const DurableRecord*> disks_;
  std::vector<Term> committed_;                // of entry 1, 2, ...
  std::vector<Term> committed_in_;             // the term in which it was
  std::map<LogIndex, std::uint64_t> applied_;  // what, as a hash
};

// What a leader takes for stored by a follower, up to its match index, the follower's disk holds:
// or has held, until a leader of a later term had it replaced. (Raft Figure 2: matchIndex; B36)
class MatchIsDurable {
 public:
  void started(const View& server);
  void observe(const View& server);

 private:
  struct Follower {
    ServerId id = kNobody;
    LogIndex matched = 0;
  };
  struct Leadership {
    Term term = 0;
    std::vector<Follower> followers;
  };
  void check_match(const View& leader, ServerId follower, LogIndex matched) const;

  std::map<ServerId, Leadership> leaders_;
  std::map<ServerId, const DurableRecord*> disks_;
};

// An entry is acknowledged, and a candidate boasts of one, only once a loss of power could not take
// it back; an acknowledgement that leaves late, once it could not have. (Raft Figure 2, A6, V11)
// And a start finds all that is so, and makes durable what it has found. (D10, B53)
class DurableBeforeAcknowledged {
 public:
  static void started(const View& server);
  static void sends(const Message& message, const View& server);
};

}  // namespace coracle::raft::sim
