#include "raft/sim/message.h"

#include <array>

namespace coracle::raft::sim {
namespace {

constexpr std::array<std::string_view, kMessageKinds> kNames = {
    "pre_vote",       "pre_vote_reply",       "request_vote", "request_vote_reply",
    "append_entries", "append_entries_reply", "timeout_now",  "timeout_now_reply",
    "read_index",     "read_index_reply"};

template <class Wire>
Message begin(MessageKind kind, const Wire& message) {
  return {.kind = kind,
          .from = message.header.from,
          .to = message.header.to,
          .request = message.header.request,
          .term = message.term};
}

template <class Reply>
Message begin_reply(MessageKind kind, const Reply& reply, bool granted) {
  Message message = begin(kind, reply);
  message.granted = granted;
  message.refusal = reply.refusal;
  return message;
}

}  // namespace

std::string_view to_string(MessageKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<MessageKind> parse_message_kind(std::string_view name) {
  for (std::size_t kind = 0; kind < kNames.size(); ++kind) {
    if (kNames[kind] == name) return static_cast<MessageKind>(kind);
  }
  return std::nullopt;
}

bool is_reply(MessageKind kind) { return to_string(kind).ends_with("_reply"); }

Message describe(const PreVote& message) {
  Message described = begin(MessageKind::pre_vote, message);
  described.log = message.last_log;
  return described;
}

Message describe(const PreVoteReply& message) {
  return begin_reply(MessageKind::pre_vote_reply, message, message.granted);
}

Message describe(const RequestVote& message) {
  Message described = begin(MessageKind::request_vote, message);
  described.log = message.last_log;
  described.transfer = message.leadership_transfer;
  return described;
}

Message describe(const RequestVoteReply& message) {
  return begin_reply(MessageKind::request_vote_reply, message, message.granted);
}

Message describe(const AppendEntries& message) {
  Message described = begin(MessageKind::append_entries, message);
  described.log = message.previous;
  described.entries = message.entries.size();
  described.commit = message.commit;
  described.last_entry = message.previous;
  if (!message.entries.empty()) {
    described.last_entry = {.term = message.entries.back().term,
                            .index = message.previous.index + message.entries.size()};
  }
  described.read_round = message.read_round;
  return described;
}

Message describe(const AppendEntriesReply& message) {
  Message described = begin_reply(MessageKind::append_entries_reply, message, message.success);
  described.matched = message.matched;
  described.read_round = message.read_round;
  return described;
}

Message describe(const TimeoutNow& message) { return begin(MessageKind::timeout_now, message); }

Message describe(const TimeoutNowReply& message) {
  return begin_reply(MessageKind::timeout_now_reply, message, message.accepted);
}

Message describe(const ReadIndex& message) { return begin(MessageKind::read_index, message); }

Message describe(const ReadIndexReply& message) {
  Message described = begin_reply(MessageKind::read_index_reply, message, message.success);
  described.read_index = message.index;
  return described;
}

}  // namespace coracle::raft::sim
