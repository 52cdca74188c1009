// What a server decided, and why: one stream for logs, tests, metrics and the demo.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "raft/messages.h"
#include "raft/types.h"

namespace coracle::raft {

// One verb phrase each. After the arrow: what `peer`, `term` and `count` mean there.
enum class EventKind : std::uint8_t {
  started,             // recovered, and takes part from now on
  began_pre_vote,      // an election timeout passed -> term: the term asked for
  granted_pre_vote,    // -> peer: the candidate; term: the term asked for
  refused_pre_vote,    // -> the same, and refusal
  received_pre_vote,   // -> peer: who granted; count: how many have
  missed_pre_vote,     // -> peer: who refused, and refusal
  became_candidate,    // the election of the server's term has begun, with its own vote
  granted_vote,        // -> peer: the candidate
  refused_vote,        // -> peer: the candidate; term: its term; and refusal
  received_vote,       // -> peer: who granted; count: how many have
  missed_vote,         // -> peer: who refused, and refusal
  became_leader,       // -> count: votes; position: the end of its log
  heard_leader,        // the term has a leader, heard for the first time -> peer
  stepped_down,        // no longer candidate or leader -> reason
  adopted_term,        // a later term was seen -> peer: where
  refused_append,      // -> peer: the sender; term: its term; and refusal
  missed_append,       // a follower's log does not match -> peer; position: where to look next
  deleted_entries,     // they conflict with the leader's -> peer: the leader; position: the first
                       // of them; count: how many
  accepted_transfer,   // stands for election because the leader asked -> peer: the leader
  refused_transfer,    // -> peer: the sender; term: its term; and refusal
  ignored_message,     // not meant for this life of this server -> peer: the sender; fault
  found_other_timing,  // -> peer: whose times differ from the server's own
};

// Why a server is no longer candidate or leader.
enum class StepDown : std::uint8_t {
  none,
  higher_term,    // of a request or a reply (T1)
  leader_exists,  // a candidate heard the leader of its own term (K1)
  no_quorum,      // a leader heard no majority for the longest timeout (L5)
  stalled_disk,   // a leader's own disk stored nothing for the longest timeout (L6)
  round_failed,   // a candidate's time is up; it goes back to asking for pre-votes (P6)
};

// What is wrong with a message's header. (N1)
enum class IdentityFault : std::uint8_t {
  none,
  wrong_cluster,        // of another cluster
  wrong_addressee,      // meant for another server
  own_id,               // the sender calls itself what the receiver is called, or nothing
  earlier_incarnation,  // the sender has been started again since (N2)
  lost_directory,       // the sender has forgotten what it had promised (D8)
  wrong_request,        // a reply that answers something else
};

struct Event {
  EventKind kind = EventKind::started;
  Role role = Role::follower;  // the server's own, when it had happened
  Term own_term = 0;           // the same
  ServerId peer = kNobody;
  Term term = 0;
  std::uint64_t count = 0;
  LogPosition position{};
  Refusal refusal = Refusal::none;
  StepDown reason = StepDown::none;
  IdentityFault fault = IdentityFault::none;
};

using EventSink = std::function<void(const Event&)>;

// Return the names that logs, tests and documents use.
[[nodiscard]] std::string_view to_string(EventKind kind);
[[nodiscard]] std::string_view to_string(Refusal refusal);
[[nodiscard]] std::string_view to_string(StepDown reason);
[[nodiscard]] std::string_view to_string(IdentityFault fault);

// Formats an event without what the node's logger stamps (node, role and term), such as
// "event=refused_vote candidate=3 candidate_term=7 reason=log_behind".
[[nodiscard]] std::string format(const Event& event);

// Returns whether an event changes who leads, or explains why nobody does; the others are steps
// on the way, of interest when one looks closely.
[[nodiscard]] bool is_turning_point(EventKind kind);

}  // namespace coracle::raft
