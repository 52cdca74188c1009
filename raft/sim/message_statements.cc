// The words of scripts that lose, delay, repeat and make up messages.
#include <array>
#include <utility>

#include "raft/sim/statements.h"

namespace coracle::raft::sim {
namespace {

MessageKind read_kind(Words& words) {
  const std::string_view name = words.next("a kind of message");
  const std::optional<MessageKind> kind = parse_message_kind(name);
  if (kind) return *kind;
  words.fail("`" + std::string(name) +
             "` is no message: pre_vote, request_vote, append_entries, timeout_now, or one of "
             "these with _reply");
}

// Reads `next [N] KIND A -> B` or `all KIND A -> B`.
Action parse_fate(Words& words, const Fate& fate) {
  const bool all = words.take("all");
  if (!all && !words.take("next")) words.fail("the next message of a kind, or all?");
  std::uint64_t count = 1;
  const bool counts =
      !all && !words.peek().empty() && words.peek().front() >= '0' && words.peek().front() <= '9';
  if (counts) count = words.count();
  if (count == 0) words.fail("how many?");
  const MessageKind kind = read_kind(words);
  const std::vector<ServerId> from = words.servers();
  if (!words.take("->")) words.fail("it is `A -> B`");
  const std::vector<ServerId> to = words.servers();
  return [=](Play& play) {
    for (const ServerId one : from) {
      for (const ServerId other : to) {
        if (one == other) continue;
        MessageFaults& faults = play.cluster().message_faults();
        if (all) {
          faults.plan_all(kind, one, other, fate);
        } else {
          faults.plan(kind, one, other, fate, count);
        }
      }
    }
  };
}

Action parse_drop(Words& words) { return parse_fate(words, {.kind = Fate::Kind::drop}); }

Action parse_duplicate(Words& words) { return parse_fate(words, {.kind = Fate::Kind::duplicate}); }

Action parse_delay(Words& words) {
  const Duration by = words.duration();
  return parse_fate(words, {.kind = Fate::Kind::delay, .by = by});
}

// ---- Messages that a script makes up ----

struct MadeUp {
  MessageKind kind = MessageKind::pre_vote;
  ServerId from = kNobody;
  ServerId to = kNobody;
  Term term = 0;
  LogPosition log{};
  LogIndex commit = 0;
  bool transfer = false;
  bool wrong_cluster = false;
  bool wrong_addressee = false;
  bool earlier_life = false;
  bool lost_directory = false;
};

void read_lie(Words& words, std::string_view what, MadeUp& message) {
  if (what == "cluster") {
    message.wrong_cluster = true;
  } else if (what == "addressee") {
    message.wrong_addressee = true;
  } else if (what == "life") {
    message.earlier_life = true;
  } else if (what == "directory") {
    message.lost_directory = true;
  } else {
    words.fail("wrong= is cluster, addressee, life or directory");
  }
}

LogPosition read_position(const Words& words, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) words.fail("a log ends at TERM:INDEX");
  return {.term = words.number_of(text.substr(0, colon)),
          .index = words.number_of(text.substr(colon + 1))};
}

MadeUp read_made_up(Words& words) {
  MadeUp message;
  message.kind = read_kind(words);
  if (is_reply(message.kind)) words.fail("a reply to nothing is not looked at: a request");
  message.from = words.server();
  if (!words.take("->")) words.fail("it is `A -> B`");
  message.to = words.server();
  while (!words.done()) {
    if (words.take("transfer")) {
      message.transfer = true;
      continue;
    }
    const std::optional<Comparison> given = words.comparison();
    if (!given) words.fail("a message has term=, log=TERM:INDEX, commit=, transfer and wrong=");
    if (given->name == "term") {
      message.term = words.number_of(given->value);
    } else if (given->name == "log") {
      message.log = read_position(words, given->value);
    } else if (given->name == "commit") {
      message.commit = words.number_of(given->value);
    } else if (given->name == "wrong") {
      read_lie(words, given->value, message);
    } else {
      words.fail("a message has term=, log=TERM:INDEX, commit=, transfer and wrong=");
    }
  }
  return message;
}

RequestHeader header_of(RaftCluster& cluster, const MadeUp& message) {
  RequestHeader header = cluster.header(message.from, message.to);
  if (message.wrong_cluster) ++header.cluster;
  if (message.wrong_addressee) header.to = message.from;
  if (message.earlier_life) --header.incarnation.start;
  if (message.lost_directory) ++header.incarnation.directory;
  return header;
}

Request compose(const RequestHeader& header, const MadeUp& message) {
  switch (message.kind) {
    case MessageKind::pre_vote:
      return PreVote{.header = header, .term = message.term, .last_log = message.log};
    case MessageKind::request_vote:
      return RequestVote{.header = header,
                         .term = message.term,
                         .last_log = message.log,
                         .leadership_transfer = message.transfer};
    case MessageKind::append_entries: {
      AppendEntries append;
      append.header = header;
      append.term = message.term;
      append.previous = message.log;
      append.commit = message.commit;
      return append;
    }
    default: return TimeoutNow{.header = header, .term = message.term};
  }
}

Action parse_send(Words& words) {
  const MadeUp message = read_made_up(words);
  return [message](Play& play) {
    RaftCluster& cluster = play.cluster();
    demand(cluster.is_up(message.to), cluster.name(message.to) + " is not up");
    cluster.post(message.to, compose(header_of(cluster, message), message));
    cluster.run_for(std::chrono::milliseconds(5));  // for the disk, if it has to promise something
  };
}

constexpr std::array<Statement, 4> kStatements = {{
    {"drop", "drop next [N] KIND A -> B | drop all KIND A -> B   (until heal)", parse_drop},
    {"delay", "delay 50ms next [N] KIND A -> B", parse_delay},
    {"duplicate", "duplicate next [N] KIND A -> B", parse_duplicate},
    {"send",
     "send KIND A -> B term=T [log=TERM:INDEX] [commit=N] [transfer] "
     "[wrong=cluster|addressee|life|directory]   (what A might have sent)",
     parse_send},
}};

}  // namespace

std::span<const Statement> message_statements() { return kStatements; }

}  // namespace coracle::raft::sim
