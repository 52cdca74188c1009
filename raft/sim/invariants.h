// What must hold in every run of a cluster, whatever is done to it: one small class each, to be
// read beside the paper. They look at a server after each pass that it makes, and at each message
// at both of its ends; they remember all history, over restarts and crashes. A violation fails a
// check.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "raft/events.h"
#include "raft/sim/durable_record.h"
#include "raft/sim/facts.h"
#include "raft/sim/handler_rules.h"
#include "raft/sim/log_invariants.h"
#include "raft/sim/message.h"
#include "raft/sim/view.h"
#include "raft/sim/wire_tap.h"
#include "raft/state.h"

namespace coracle::raft::sim {

// Election Safety (Raft Figure 3): at most one leader is elected in a term, over all history.
class ElectionSafety {
 public:
  void observe(const View& server);

 private:
  std::map<Term, ServerId> leader_of_term_;
};

// Each server votes for at most one candidate in a term (Raft §5.2), over all its lives, and never
// takes a vote back within the term (T4, B03).
class OneVotePerTerm {
 public:
  void started(const View& server);
  void observe(const View& server);
  void sends(const Message& message);
  // Returns    for whom the server has let others know that it voted; nobody if it has not.
  [[nodiscard]] ServerId told(ServerId voter, Term term) const;

 private:
  std::map<ServerId, HardState> seen_;  // of this life
  std::map<std::pair<ServerId, Term>, ServerId> told_;
};

// A server's term increases monotonically (Raft §5.1): within a life, and over its lives it never
// falls below a term that others have been told.
class MonotoneTerm {
 public:
  void started(const View& server);
  void observe(const View& server);
  void sends(const Message& message);

 private:
  std::map<ServerId, Term> seen_;  // of this life
  std::map<ServerId, Term> told_;
};

// Persistent state is updated on stable storage before responding to RPCs (Raft Figure 2): no
// message tells of a term or a vote that a loss of power now could take back, and no term is led of
// which the own vote could be. (V2, V11)
class DurableBeforeSpoken {
 public:
  void started(ServerId server) { known_.erase(server); }
  void sends(const Message& message, const View& server);
  void observe(const View& server);

 private:
  std::map<ServerId, HardState> known_;  // what was durable when last looked at
  std::map<ServerId, Term> led_;         // the last term for which this was looked at
};

// A candidate wins if it receives votes from a majority of the servers (Raft §5.2): different ones,
// of its own configuration, that have let it know.
class ElectedByMajority {
 public:
  void observe(const View& server, const OneVotePerTerm& votes);

 private:
  std::set<std::pair<ServerId, Term>> looked_at_;
};

// A reply counts in the round that asked for it, and only while that round lasts; a round is won
// with what was counted in it. (T5, V13)
class CountedInItsRound {
 public:
  void started(ServerId server) { rounds_.erase(server); }
  void sends(const Message& message);
  void receives(const Message& message);
  void event(const View& server, const Event& event);

 private:
  struct Round {
    RequestId last_sent = 0;          // of this life
    RequestId last_before = 0;        // when the round began
    std::set<ServerId> pre_votes;     // counted in the last round of them
    std::set<ServerId> votes;         // the same
    bool transfer = false;            // the next election needs no pre-votes
    std::map<ServerId, Message> got;  // the last vote or pre-vote that each peer answered with
  };
  static void begin(const View& server, const Event& event, Round& round);
  static void count(const View& server, const Event& event, Round& round);

  std::map<ServerId, Round> rounds_;
};

// Only the leader of a term sends AppendEntries of it. (Raft §5.2; design: no task of an old epoch
// outlives it)
class OnlyLeadersAppend {
 public:
  static void sends(const Message& message, const View& server);
};

// Every server that does not lead stands for election sooner or later: its deadline is never
// further away than the longest timeout that it has drawn. (Raft §5.2)
class BoundedPatience {
 public:
  static void observe(const View& server);
};

// Between two rounds of one server lies at least one timeout. (Raft §5.2; K6, P8)
class NoStorm {
 public:
  void started(ServerId server) { began_.erase(server); }
  void event(const View& server, const Event& event);

 private:
  struct Began {
    TimePoint pre_vote{};
    TimePoint election{};
    bool transfer = false;  // the next election is one that the leader asked for
  };
  std::map<ServerId, Began> began_;
};

// A leader that has heard no majority for one longest timeout leads no more, where the quorum check
// is on. (Dissertation §6.2; L5)
class QuorumHeard {
 public:
  void receives(const Message& message, const View& server);
  void event(const View& server, const Event& event);
  void observe(const View& server);

 private:
  struct Leadership {
    std::map<ServerId, TimePoint> heard;
    TimePoint looked{};
    Duration overdue{};
  };
  std::map<ServerId, Leadership> leaders_;
};

// The log never holds a later term than the server is in, and the commit index neither falls nor
// lies beyond the log's end. (Raft Figure 2)
class LogAndTerm {
 public:
  void started(ServerId server) { committed_.erase(server); }
  void observe(const View& server);

 private:
  std::map<ServerId, LogIndex> committed_;
};

// All of them.
class Invariants {
 public:
  // A life of a server has begun.
  void started(const View& server);
  // It has made a pass.
  void observe(const View& server);
  // It tells of something that it decided.
  void event(const View& server, const Event& event);
  // It is about to let a message leave, or to get one; it has handled a request.
  void sends(const View& server, const Message& message);
  void receives(const View& server, const Message& message);
  static void handled(const View& server, const Handled& handled);
  // It applies a command.
  void applied(const View& server, const Command& command) { commitment_.applied(server, command); }
  // Adds to the facts of a server which leader it has heard.
  void add_contact(ServerId server, Facts& facts) const {
    handler_rules_.add_contact(server, facts);
  }

 private:
  void observe_leader(const View& server);

  ElectionSafety election_safety_;
  OneVotePerTerm one_vote_per_term_;
  MonotoneTerm monotone_term_;
  DurableBeforeSpoken durable_before_spoken_;
  ElectedByMajority elected_by_majority_;
  CountedInItsRound counted_in_its_round_;
  NoStorm no_storm_;
  QuorumHeard quorum_heard_;
  LogAndTerm log_and_term_;
  LogMatching log_matching_;
  Commitment commitment_;
  MatchIsDurable match_is_durable_;
  HandlerRules handler_rules_;
};

}  // namespace coracle::raft::sim
