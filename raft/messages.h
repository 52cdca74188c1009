// What servers say to each other. Carries from the first version all that replication, reads,
// ranks and transfers of leadership need, so that later versions need no other wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "raft/options.h"
#include "raft/shared_bytes.h"
#include "raft/types.h"

namespace coracle::raft {

// In every request. (N1)
struct RequestHeader {
  ClusterId cluster = 0;
  ServerId from = kNobody;
  ServerId to = kNobody;
  Incarnation incarnation{};  // the asker's
  RequestId request = 0;

  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

// In every reply; it names the life of the asker that it answers. (N1)
struct ReplyHeader {
  ClusterId cluster = 0;
  ServerId from = kNobody;
  ServerId to = kNobody;
  Incarnation incarnation{};  // the answerer's
  RequestId request = 0;
  Incarnation asker{};

  friend bool operator==(const ReplyHeader&, const ReplyHeader&) = default;
};

// Why a vote, a pre-vote, a heartbeat or a transfer was refused. Numbers are those of the wire.
enum class Refusal : std::uint8_t {
  none = 0,               // it was not
  stale_term = 1,         // the asker's term is lower
  leader_alive = 2,       // a leader was heard within the shortest timeout (V8), or leads (V7)
  voted_for_another = 3,  // one vote per term
  log_behind = 4,         // the asker's log is less up to date than the voter's (§5.4.1)
  log_mismatch = 5,       // the entry before the new ones is not there (§5.3)
  not_leader = 6,         // a transfer by, or a read from, a server that does not lead the term
  not_voter = 7,          // a transfer to a server that may not lead
};

// Exchanged first on each connection: who speaks, and at what pace. (N3, N4, C6)
struct Hello {
  RequestHeader header{};
  Timing timing{};

  friend bool operator==(const Hello&, const Hello&) = default;
};

struct HelloReply {
  ReplyHeader header{};
  Timing timing{};

  friend bool operator==(const HelloReply&, const HelloReply&) = default;
};

// Would you vote for me in `term`? Changes nothing at either side. (Dissertation §9.6)
struct PreVote {
  RequestHeader header{};
  Term term = 0;  // the term asked for: one more than the asker's
  LogPosition last_log{};

  friend bool operator==(const PreVote&, const PreVote&) = default;
};

struct PreVoteReply {
  ReplyHeader header{};
  Term term = 0;  // the term asked for where granted (P3), the answerer's own where refused
  bool granted = false;
  Refusal refusal = Refusal::none;

  friend bool operator==(const PreVoteReply&, const PreVoteReply&) = default;
};

// (§5.2, §5.4.1)
struct RequestVote {
  RequestHeader header{};
  Term term = 0;
  LogPosition last_log{};            // the last that is durable at the candidate (V11)
  bool leadership_transfer = false;  // the leader itself asked for this election (V8)

  friend bool operator==(const RequestVote&, const RequestVote&) = default;
};

struct RequestVoteReply {
  ReplyHeader header{};
  Term term = 0;
  bool granted = false;
  Refusal refusal = Refusal::none;

  friend bool operator==(const RequestVoteReply&, const RequestVoteReply&) = default;
};

// Numbers are those of the wire and of the log.
enum class EntryKind : std::uint8_t {
  no_op = 0,
  command = 1,
  configuration = 2,
  session = 3,          // opens one, or closes it (sessions.h)
  session_command = 4,  // a command that is applied once, however often it is proposed
};
inline constexpr EntryKind kLastEntryKind = EntryKind::session_command;

// Returns the kind's name: "no-op", "command", "configuration", "session", "session command".
[[nodiscard]] constexpr std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::no_op: return "no-op";
    case EntryKind::command: return "command";
    case EntryKind::configuration: return "configuration";
    case EntryKind::session: return "session";
    case EntryKind::session_command: return "session command";
  }
  return "unknown";
}

struct Entry {
  Term term = 0;
  EntryKind kind = EntryKind::no_op;
  std::int64_t log_time = 0;  // nanoseconds of the leader's wall clock, never falling (R3)
  SharedBytes data{};

  friend bool operator==(const Entry&, const Entry&) = default;
};

// Heartbeat, replication and proof of leadership in one. (§5.3)
struct AppendEntries {
  RequestHeader header{};
  Term term = 0;
  LogPosition previous{};  // the entry right before `entries`
  LogIndex commit = 0;
  std::uint64_t read_round = 0;  // the last read round that began before this was sent (R1)
  std::uint32_t rank = 0;        // the addressee's place in the line of successors
  std::vector<Entry> entries{};

  friend bool operator==(const AppendEntries&, const AppendEntries&) = default;
};

struct AppendEntriesReply {
  ReplyHeader header{};
  Term term = 0;
  bool success = false;
  Refusal refusal = Refusal::none;
  LogPosition matched{};   // where success: up to here the log is the leader's, and durable (A6)
  LogPosition durable{};   // the end of what is durable now, whether it matches or not (A10)
  LogPosition conflict{};  // where the previous entry was missing: where to look next (A7)
  std::uint64_t read_round = 0;  // that of the request

  friend bool operator==(const AppendEntriesReply&, const AppendEntriesReply&) = default;
};

// A follower asks the leader up to where entries must be applied before a read that came before
// this. (ReadIndex; dissertation §6.4)
struct ReadIndex {
  RequestHeader header{};
  Term term = 0;

  friend bool operator==(const ReadIndex&, const ReadIndex&) = default;
};

struct ReadIndexReply {
  ReplyHeader header{};
  Term term = 0;
  bool success = false;
  Refusal refusal = Refusal::none;
  LogIndex index = 0;  // where success

  friend bool operator==(const ReadIndexReply&, const ReadIndexReply&) = default;
};

// The leader asks the addressee to stand for election at once. (Dissertation §3.10)
struct TimeoutNow {
  RequestHeader header{};
  Term term = 0;

  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

struct TimeoutNowReply {
  ReplyHeader header{};
  Term term = 0;
  bool accepted = false;
  Refusal refusal = Refusal::none;

  friend bool operator==(const TimeoutNowReply&, const TimeoutNowReply&) = default;
};

}  // namespace coracle::raft
