// Every fact of one server, and the rules by which facts change. Nothing here waits: each rule is
// a plain function, named after the action in Ongaro's TLA+ specification where one fits, and
// gets the time from its caller. Coroutines (node.h) only wait, and then call these.
//
// Rules that all functions keep:
//   - The epoch changes whenever role or term does and with each pre-vote round, so a caller
//     compares it after each call to see whether what it was doing still means anything.
//   - A message is composed whole by the function that decided it, with the number of the durable
//     change that it depends on; it leaves when that change is durable, whatever happened since.
//   - A request that fails the identity check (N1) changes nothing and gets no answer.
//
// The log is a fact given at the start. Replication adds to it: entries that are appended and
// truncated are durable changes too and take their numbers from the same sequence, and a reply
// that acknowledges entries then depends on the number of their append.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "raft/configuration.h"
#include "raft/events.h"
#include "raft/log.h"
#include "raft/messages.h"
#include "raft/options.h"
#include "raft/types.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace coracle::raft {

// A message, and what it waits for before it leaves.
template <class Message>
struct Outgoing {
  Message message;
  ChangeNumber after = 0;  // leaves once this change is durable
  Epoch epoch{};           // in which it was decided; a reply to it means nothing in another
};

template <class Message>
using Reply = std::optional<Outgoing<Message>>;  // nothing where the identity check failed

// What a server finds on its disk, already rewritten and synced (D10).
struct Recovered {
  HardState hard_state;
  ChangeNumber change = 0;  // its number
  Log log;
};

// Draws how long the next silence is borne. (C7)
using TimeoutSource = std::function<Duration(Random& random, const Timing& timing)>;

class State {
 public:
  // Starts as a follower (TLA+ Restart) that has heard of no leader. Without a source of timeouts
  // they are uniform in the range of the options.
  //   Borrows    `random` for its own life.
  //   Requires   valid options; a term that is not below the log's last.
  State(const Identity& identity, const Options& options, Configuration configuration,
        Recovered recovered, Random& random, EventSink sink, TimePoint now,
        TimeoutSource timeouts = {});

  // ---- Facts ----
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] Term term() const { return hard_state_.term; }
  [[nodiscard]] ServerId vote() const { return hard_state_.vote; }
  [[nodiscard]] ServerId leader() const { return leader_; }  // kNobody when none is known
  [[nodiscard]] LogIndex commit_index() const { return commit_index_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] bool still(Epoch epoch) const { return epoch == epoch_; }
  [[nodiscard]] bool asks_for_pre_votes() const { return asks_for_pre_votes_; }
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  [[nodiscard]] const Log& log() const { return log_; }

  // Return the others that this server asks for votes, and those that it sends heartbeats to.
  [[nodiscard]] std::vector<ServerId> voting_peers() const {
    return configuration_.voters_except(identity_.self);
  }
  [[nodiscard]] std::vector<ServerId> peers() const {
    return configuration_.members_except(identity_.self);
  }

  // Returns the role as `status` shows it: a follower that asks for pre-votes is "pre-candidate",
  // though it is a follower in every rule. (P10)
  [[nodiscard]] std::string_view role_name() const;

  // Returns when silence ends patience; kNever for a leader. Any call may move it, also earlier.
  [[nodiscard]] TimePoint election_deadline() const { return election_deadline_; }

  // Returns when a leader has to step down unless a majority is heard before (L5); kNever for
  // others, for a leader that needs nobody, and where the check is off.
  [[nodiscard]] TimePoint quorum_deadline() const;

  // ---- Durability ----
  // The hard state as of the last change, and that change's number: what the disk should hold.
  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] ChangeNumber last_change() const { return last_change_; }
  [[nodiscard]] bool is_durable(ChangeNumber change) const { return change <= durable_change_; }

  // Notes that all changes up to `change` would be found again after a crash. The own vote may
  // count from then on (V11), so look at election_won() after it.
  //   Requires   change <= last_change(); never less than before.
  void durable_up_to(ChangeNumber change);

  // ---- Elections, as the one who stands (state_candidate.cc) ----
  // The election deadline has passed (TLA+ Timeout): begins a pre-vote round, or with pre-vote off
  // an election. A server that is no voter only waits anew.
  //   Requires   not leader; now >= election_deadline().
  void timeout(TimePoint now);

  // Begins the election that a won pre-vote round allows: next term, own vote, a new deadline.
  //   Requires   pre_vote_won().
  void begin_election(TimePoint now);

  // Return whether the current round has its majority; an own vote counts once it is durable.
  [[nodiscard]] bool pre_vote_won() const;
  [[nodiscard]] bool election_won() const;

  // (TLA+ BecomeLeader; §5.2)
  //   Requires   election_won().
  void become_leader(TimePoint now);

  // Compose the question of the current round for one voter. (TLA+ RequestVote)
  //   Requires   asks_for_pre_votes(); role() == candidate, respectively.
  [[nodiscard]] Outgoing<PreVote> compose_pre_vote(ServerId voter);
  [[nodiscard]] Outgoing<RequestVote> compose_request_vote(ServerId voter);

  // Take the answer to what was asked (TLA+ HandleRequestVoteResponse); answers to another round,
  // of another life or to another question change nothing (T3, T5, V13).
  void handle(const Outgoing<PreVote>& asked, const PreVoteReply& reply, TimePoint now);
  void handle(const Outgoing<RequestVote>& asked, const RequestVoteReply& reply, TimePoint now);

  // ---- Elections, as the one who is asked (state_voter.cc) ----
  // (TLA+ HandleRequestVoteRequest)
  [[nodiscard]] Reply<PreVoteReply> handle(const PreVote& request, TimePoint now);
  [[nodiscard]] Reply<RequestVoteReply> handle(const RequestVote& request, TimePoint now);
  // The leader wants this server to take over: it stands at once, without pre-vote. (P7)
  [[nodiscard]] Reply<TimeoutNowReply> handle(const TimeoutNow& request, TimePoint now);

  // ---- Heartbeats (state_heartbeat.cc) ----
  // (TLA+ AppendEntries)
  //   Requires   role() == leader.
  [[nodiscard]] Outgoing<AppendEntries> compose_heartbeat(ServerId follower);

  // (TLA+ HandleAppendEntriesRequest) Entries in it are not taken, and not acknowledged.
  [[nodiscard]] Reply<AppendEntriesReply> handle(const AppendEntries& request, TimePoint now);

  // (TLA+ HandleAppendEntriesResponse)
  void handle(const Outgoing<AppendEntries>& asked, const AppendEntriesReply& reply, TimePoint now);

  // Steps down if no majority has been heard for one longest timeout. (L5)
  void check_quorum(TimePoint now);

  // ---- Identity (state_identity.cc) ----
  // Returns what is wrong with a request's header; none where it is meant for this server. (N1)
  [[nodiscard]] IdentityFault fault_of(const RequestHeader& header) const;

  // Introduces this server on a new connection, and answers an introduction; the last one returns
  // whether the answer came from whom it should. (N3, N4, C6) All it tells has been durable since
  // the start, so it waits for nothing.
  [[nodiscard]] Hello compose_hello(ServerId peer);
  [[nodiscard]] std::optional<HelloReply> handle(const Hello& request);
  bool handle(const Hello& asked, const HelloReply& reply);

 private:
  // What is known of another member.
  struct Peer {
    std::optional<Incarnation> incarnation;  // its latest life
    bool has_promised = false;               // that directory held a term, a vote or entries (D8)
    bool timing_reported = false;
    std::set<IdentityFault> faults_reported;  // of this life
    std::optional<Term> append_refused;       // the last, so that it is told once
    TimePoint heard{};                        // as leader: its last reply, or the election
    LogPosition durable;                      // as leader: the end of its durable log, as last told
    LogPosition missed{};  // as leader: the last conflict, so that it is told once
  };

  // T1: adopts a higher term, whoever said so. (TLA+ UpdateTerm)
  void update_term(Term term, ServerId from, TimePoint now);
  void step_down(StepDown reason, TimePoint now);
  void hear_leader(ServerId leader, TimePoint now);
  void grant_vote(ServerId candidate, TimePoint now);
  void start_pre_vote(TimePoint now);
  void start_election(bool transfer, TimePoint now);
  void end_pre_vote();
  void change_hard_state(HardState changed);
  void enter_next_epoch();
  void draw_deadline(TimePoint now);
  void record_grant(ServerId voter, EventKind kind);
  void commit_up_to(LogIndex index);

  // The conditions of a grant, the first that fails. Const: a refused vote changes nothing.
  [[nodiscard]] Refusal refusal_of(const PreVote& request, TimePoint now) const;
  [[nodiscard]] Refusal refusal_of(const RequestVote& request) const;
  [[nodiscard]] Refusal refusal_of(const TimeoutNow& request) const;
  [[nodiscard]] bool leader_is_alive(ServerId asker, TimePoint now) const;
  [[nodiscard]] TimePoint quorum_contact() const;
  [[nodiscard]] std::vector<ServerId> votes() const;  // of the current round, the own one with them
  [[nodiscard]] std::uint32_t rank_of(ServerId follower) const;

  // Identity, on the way in. `accept` reports a fault and returns false, or notes who spoke.
  bool accept(const RequestHeader& header, bool has_promised);
  bool accept(const RequestHeader& asked, const ReplyHeader& reply, bool has_promised);
  [[nodiscard]] IdentityFault fault_of_life(ServerId server, const Incarnation& incarnation) const;
  [[nodiscard]] Peer& known(ServerId server);
  void report_fault(ServerId sender, IdentityFault fault);
  void note_life(ServerId server, const Incarnation& incarnation, bool has_promised);
  void compare_timing(ServerId peer, const Timing& timing);

  // Composing.
  [[nodiscard]] RequestHeader header_to(ServerId peer);
  [[nodiscard]] ReplyHeader answer_to(const RequestHeader& request) const;
  template <class Message>
  [[nodiscard]] Outgoing<Message> outgoing(Message message) const {
    return {std::move(message), last_change_, epoch_};
  }
  void emit(Event event) const;

  const Identity identity_;
  const Options options_;
  const Configuration configuration_;
  const Log log_;
  Random& random_;
  const EventSink sink_;
  const TimeoutSource timeouts_;

  Role role_ = Role::follower;
  HardState hard_state_;
  ServerId leader_ = kNobody;
  LogIndex commit_index_ = 0;
  Epoch epoch_{};
  TimePoint election_deadline_{};

  // Durable changes. All of them are of the hard state, so every message depends on the last.
  ChangeNumber last_change_ = 0;
  ChangeNumber durable_change_ = 0;

  // The current round: of pre-votes or of votes.
  bool asks_for_pre_votes_ = false;
  bool leadership_transfer_ = false;
  std::vector<ServerId> grants_;  // voters other than this server, each once

  // The last valid message of a leader. (V8, L3)
  ServerId last_leader_ = kNobody;
  Term last_leader_term_ = 0;
  Term led_term_ = 0;  // the last term that this server itself has led, in this life
  std::optional<TimePoint> last_contact_;

  std::map<ServerId, Peer> peers_;  // the other members
  Peer stranger_;                   // all who are none: what was told of one, was told of them
  RequestId last_request_ = 0;
};

}  // namespace coracle::raft
