// A message between two servers, as scripts, traces and invariants see it: of which kind, from whom
// to whom, and what it says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "raft/messages.h"
#include "raft/read_rounds.h"
#include "raft/types.h"

namespace coracle::raft::sim {

enum class MessageKind : std::uint8_t {
  pre_vote,
  pre_vote_reply,
  request_vote,
  request_vote_reply,
  append_entries,
  append_entries_reply,
  timeout_now,
  timeout_now_reply,
  read_index,
  read_index_reply,
};
inline constexpr std::size_t kMessageKinds = 10;

// Returns    the kind's name: "request_vote_reply".
[[nodiscard]] std::string_view to_string(MessageKind kind);
// Returns    the kind of that name; nothing if there is none.
[[nodiscard]] std::optional<MessageKind> parse_message_kind(std::string_view name);
[[nodiscard]] bool is_reply(MessageKind kind);

struct Message {
  MessageKind kind = MessageKind::pre_vote;
  ServerId from = kNobody;
  ServerId to = kNobody;
  RequestId request = 0;
  Term term = 0;
  LogPosition log{};      // where the asker's log ends; of AppendEntries, the entry before
  bool transfer = false;  // RequestVote with the leader's leave
  bool ignored = false;   // a request that is not meant for this life of the addressee (N1)
  bool granted = false;   // a reply that says yes
  Refusal refusal = Refusal::none;
  std::size_t entries = 0;   // in AppendEntries
  LogIndex commit = 0;       // the leader's, in AppendEntries
  LogPosition matched{};     // in a reply to it that says yes
  LogPosition last_entry{};  // of AppendEntries: of its entries, or the one before them
  ReadRound read_round = 0;  // of AppendEntries and its reply
  LogIndex read_index = 0;   // in a reply that says yes
};

[[nodiscard]] Message describe(const PreVote& message);
[[nodiscard]] Message describe(const PreVoteReply& message);
[[nodiscard]] Message describe(const RequestVote& message);
[[nodiscard]] Message describe(const RequestVoteReply& message);
[[nodiscard]] Message describe(const AppendEntries& message);
[[nodiscard]] Message describe(const AppendEntriesReply& message);
[[nodiscard]] Message describe(const TimeoutNow& message);
[[nodiscard]] Message describe(const TimeoutNowReply& message);
[[nodiscard]] Message describe(const ReadIndex& message);
[[nodiscard]] Message describe(const ReadIndexReply& message);

}  // namespace coracle::raft::sim
