// A message between two servers, as scripts, traces and invariants see it: of which kind, from whom
// to whom, and what it says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "raft/messages.h"
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
};
inline constexpr std::size_t kMessageKinds = 8;

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
};

[[nodiscard]] Message describe(const PreVote& message);
[[nodiscard]] Message describe(const PreVoteReply& message);
[[nodiscard]] Message describe(const RequestVote& message);
[[nodiscard]] Message describe(const RequestVoteReply& message);
[[nodiscard]] Message describe(const AppendEntries& message);
[[nodiscard]] Message describe(const AppendEntriesReply& message);
[[nodiscard]] Message describe(const TimeoutNow& message);
[[nodiscard]] Message describe(const TimeoutNowReply& message);

}  // namespace coracle::raft::sim
