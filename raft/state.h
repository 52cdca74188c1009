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
//   - Term, vote, and every entry that is appended or removed are durable changes, numbered in one
//     sequence. What tells of term and vote depends on their number, what acknowledges entries also
//     on that of the last of them.
#pragma once

#include <algorithm>
#include <cstdint>
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
#include "raft/progress.h"
#include "raft/proposals.h"
#include "raft/read_rounds.h"
#include "raft/storage.h"
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

// Draws how long the next silence is borne. (C7)
using TimeoutSource = std::function<Duration(Random& random, const Timing& timing)>;

// What a read waits for: that this round is confirmed, and then that this entry is applied. (R1)
struct ReadTicket {
  ReadRound round = 0;
  LogIndex index = 0;
};

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
  [[nodiscard]] LogIndex applied_index() const { return applied_index_; }
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

  // Returns when a leader has to step down, unless a majority is heard (L5) and its own disk stores
  // something (L6) before; kNever for others. Where the quorum check is off, neither is asked for.
  [[nodiscard]] TimePoint leader_deadline() const;

  // ---- Durability ----
  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] ChangeNumber last_change() const { return last_change_; }
  [[nodiscard]] bool is_durable(ChangeNumber change) const { return change <= durable_change_; }

  // Returns whether there are changes that nobody has taken yet, and takes them, in their order.
  [[nodiscard]] bool has_changes() const { return !changes_.empty(); }
  [[nodiscard]] std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  // Notes that all changes up to `change` would be found again after a crash. The own vote may
  // count from then on (V11), so look at election_won() after it; and a leader's own entries, so
  // the commit index may move.
  //   Requires   change <= last_change(); never less than before.
  void durable_up_to(ChangeNumber change, TimePoint now);

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

  // (TLA+ BecomeLeader; §5.2) Its first act is an entry of its own term (L1), stamped with the
  // `wall_time` of its own clock (R3).
  //   Requires   election_won().
  void become_leader(TimePoint now, std::int64_t wall_time);

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

  // ---- Replication, as the leader (state_leader.cc) ----
  // Appends an entry to the own log. (TLA+ ClientRequest; §5.3) Whoever waits for its result is
  // told when it is applied, or when this leadership ends (L4).
  //   Requires   role() == leader.
  LogPosition append(EntryKind kind, SharedBytes data, TimePoint now, std::int64_t wall_time);
  [[nodiscard]] Proposals& proposals() { return proposals_; }
  [[nodiscard]] const Proposals& proposals() const { return proposals_; }

  // (TLA+ AppendEntries) A heartbeat has no entries; it is checked against the log all the same
  // (A1), tells of what is committed, and carries the current round of reads.
  //   Requires   role() == leader.
  [[nodiscard]] Outgoing<AppendEntries> compose_heartbeat(ServerId follower);

  // Returns whether entries may be sent to a follower now, and which ones come next; those before
  // log().first_cached() have to be read first.
  [[nodiscard]] bool may_send_entries(ServerId follower) const;
  [[nodiscard]] const Progress& progress(ServerId follower) const;
  // Composes a message with the entries in memory that come next; or with these, which were read.
  //   Requires   may_send_entries(follower); that the first of `entries` is the next one.
  [[nodiscard]] Outgoing<AppendEntries> compose_entries(ServerId follower);
  [[nodiscard]] Outgoing<AppendEntries> compose_entries(ServerId follower,
                                                        std::vector<Entry> entries);
  // A message with entries got no answer; it is on the way no more, whether it was answered or not.
  void entries_lost(const Outgoing<AppendEntries>& asked);
  void entries_ended(const Outgoing<AppendEntries>& asked);

  // (TLA+ HandleAppendEntriesResponse, AdvanceCommitIndex)
  // Returns false where the follower refused, and nothing is known of its log that was not known
  // before: to ask again at once would be in vain.
  bool handle(const Outgoing<AppendEntries>& asked, const AppendEntriesReply& reply, TimePoint now);

  // Steps down if no majority has been heard (L5), or the own disk has stored nothing (L6), for one
  // longest timeout.
  void check_leadership(TimePoint now);

  // ---- Replication, as a follower (state_append.cc) ----
  // (TLA+ HandleAppendEntriesRequest) A reply to entries leaves when they are durable; one to a
  // heartbeat waits for term and vote alone (A10).
  [[nodiscard]] Reply<AppendEntriesReply> handle(const AppendEntries& request, TimePoint now);

  // ---- The state machine ----
  // All entries up to `index` have been applied.
  //   Requires   applied_index() <= index <= commit_index().
  void applied_up_to(LogIndex index);

  // ---- Linearizable reads (state_reads.cc; dissertation §6.4) ----
  // Returns whether this leader has committed an entry of its own term: only then it knows what is
  // committed. (R1, B60)
  [[nodiscard]] bool knows_commit_index() const;
  // A read that comes now.
  //   Requires   role() == leader; knows_commit_index().
  [[nodiscard]] ReadTicket ask_read();
  [[nodiscard]] bool read_confirmed(ReadRound round) const { return reads_.is_confirmed(round); }
  // Return  whether a round of reads has begun, and nobody has been asked; and whether this
  // follower
  //         should get a heartbeat at once, because reads wait for its answer.
  [[nodiscard]] bool read_round_began() const { return role_ == Role::leader && reads_.is_new(); }
  [[nodiscard]] bool needs_read_round(ServerId follower) const;

  // Asks the leader on behalf of reads on this server, and takes the answer: up to where entries
  // must be applied before them; nothing if it has to be asked again.
  //   Requires   leader() is another server.
  [[nodiscard]] Outgoing<ReadIndex> compose_read_index();
  [[nodiscard]] std::optional<LogIndex> handle(const Outgoing<ReadIndex>& asked,
                                               const ReadIndexReply& reply, TimePoint now);
  // A follower asks. Returns Refusal::none where this server leads: the answer then waits as a read
  // of its own would. Returns nothing where the identity check failed.
  [[nodiscard]] std::optional<Refusal> handle(const ReadIndex& request, TimePoint now);
  [[nodiscard]] Outgoing<ReadIndexReply> compose_read_index_reply(const ReadIndex& request,
                                                                  Refusal refusal,
                                                                  LogIndex index) const;

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
    // As leader:
    TimePoint heard{};     // its last reply, or the election
    LogPosition durable;   // the end of its durable log, as last told
    LogPosition missed{};  // the last conflict, so that it is told once
    Progress progress;
    ReadRound read_sent = 0;      // the last round that a message to it carried
    ReadRound read_answered = 0;  // the last one that it has answered
  };

  // T1: adopts a higher term, whoever said so. (TLA+ UpdateTerm)
  void update_term(Term term, ServerId from, TimePoint now);
  void step_down(StepDown reason, TimePoint now);
  void hear_leader(ServerId leader, TimePoint now);
  void grant_vote(ServerId candidate, TimePoint now);
  void start_pre_vote(TimePoint now);
  void start_election(bool transfer, TimePoint now);
  void end_pre_vote();
  void change_hard_state(HardState changed, TimePoint now);
  void enter_next_epoch();
  void draw_deadline(TimePoint now);
  void record_grant(ServerId voter, EventKind kind);
  void add_entry(Entry entry, TimePoint now);
  LogPosition take_entries(const AppendEntries& request, TimePoint now);
  void commit_up_to(LogIndex index);
  void advance_commit_index();
  void confirm_read_rounds();
  void forget_entries();
  ChangeNumber add_change(decltype(Change::what) what, TimePoint now);

  // The conditions of a grant, the first that fails. Const: a refused vote changes nothing.
  [[nodiscard]] Refusal refusal_of(const PreVote& request, TimePoint now) const;
  [[nodiscard]] Refusal refusal_of(const RequestVote& request) const;
  [[nodiscard]] Refusal refusal_of(const TimeoutNow& request) const;
  [[nodiscard]] bool leader_is_alive(ServerId asker, TimePoint now) const;
  [[nodiscard]] TimePoint quorum_contact() const;
  [[nodiscard]] TimePoint quorum_deadline() const;
  [[nodiscard]] TimePoint disk_deadline() const;
  // Returns the value that a majority of the voters has reached, or exceeded.
  template <class Value>
  [[nodiscard]] Value of_majority(Value own, Value (*of)(const Peer&)) const;
  [[nodiscard]] LogIndex look_at(LogPosition conflict) const;
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
  // What tells of term and vote; and what tells of an entry, too.
  template <class Message>
  [[nodiscard]] Outgoing<Message> outgoing(Message message, ChangeNumber entry = 0) const {
    return {std::move(message), std::max(hard_state_change_, entry), epoch_};
  }
  void emit(Event event) const;

  const Identity identity_;
  const Options options_;
  const Configuration configuration_;
  Log log_;
  Random& random_;
  const EventSink sink_;
  const TimeoutSource timeouts_;

  Role role_ = Role::follower;
  HardState hard_state_;
  ServerId leader_ = kNobody;
  LogIndex commit_index_ = 0;
  LogIndex applied_index_ = 0;
  Epoch epoch_{};
  TimePoint election_deadline_{};

  // Durable changes.
  ChangeNumber last_change_ = 0;
  ChangeNumber hard_state_change_ = 0;  // the last of them that is one of term or vote
  ChangeNumber durable_change_ = 0;
  TimePoint stored_{};           // when changes were last stored, or the first since was made
  std::vector<Change> changes_;  // that nobody has taken yet

  // The current round: of pre-votes or of votes.
  bool asks_for_pre_votes_ = false;
  bool leadership_transfer_ = false;
  std::vector<ServerId> grants_;  // voters other than this server, each once

  // The last valid message of a leader. (V8, L3)
  ServerId last_leader_ = kNobody;
  Term last_leader_term_ = 0;
  Term led_term_ = 0;  // the last term that this server itself has led, in this life
  std::optional<TimePoint> last_contact_;

  // As leader.
  Proposals proposals_;
  ReadRounds reads_;

  std::map<ServerId, Peer> peers_;  // the other members
  Peer stranger_;                   // all who are none: what was told of one, was told of them
  RequestId last_request_ = 0;
};

}  // namespace coracle::raft
