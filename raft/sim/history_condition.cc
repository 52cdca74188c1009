#include "raft/sim/history_condition.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace coracle::raft::sim {
namespace {

// How often, and when, counted from the mark.
struct Range {
  Comparison times{.name = "times", .sign = ">=", .value = "1"};
  Duration after = Duration::min();
  Duration before = Duration::max();
};

// Takes the comparison if it is one of a range.
bool read_range(const Words& words, const Comparison& asked, Range& range) {
  if (asked.name == "times") {
    static_cast<void>(words.number_of(asked.value));
    range.times = asked;
  } else if (asked.name == "after") {
    range.after = words.duration_of(asked.value);
  } else if (asked.name == "before") {
    range.before = words.duration_of(asked.value);
  } else {
    return false;
  }
  return true;
}

bool in_time(const Play& play, TimePoint when, const Range& range) {
  const Duration since = when - play.marked_at();
  return since >= range.after && since <= range.before;
}

// ---- Events ----

struct EventPattern {
  EventKind kind = EventKind::started;
  std::vector<ServerId> on;  // on each of them; of all together where none is named
  std::vector<Comparison> fields;
  Range range;
};

EventKind event_kind(const Words& words, std::string_view name) {
  std::string names;
  for (std::size_t kind = 0; kind <= static_cast<std::size_t>(EventKind::found_other_timing);
       ++kind) {
    const std::string_view known = to_string(static_cast<EventKind>(kind));
    if (known == name) return static_cast<EventKind>(kind);
    names += " " + std::string(known);
  }
  words.fail("there is no event `" + std::string(name) + "`, but these:" + names);
}

// Names of events.cc for the other server that an event is about.
bool names_peer(std::string_view field) {
  constexpr std::array<std::string_view, 7> kNames = {"peer",   "candidate", "voter", "leader",
                                                      "sender", "follower",  "from"};
  return std::ranges::count(kNames, field) > 0;
}

bool names_other_term(std::string_view field) {
  return field == "for_term" || field == "candidate_term" || field == "sender_term";
}

EventPattern read_event(Words& words, bool none) {
  EventPattern pattern{.kind = event_kind(words, words.next("the name of an event")),
                       .on = {},
                       .fields = {},
                       .range = {}};
  if (none) pattern.range.times = {.name = "times", .sign = "=", .value = "0"};
  if (words.take("on")) pattern.on = words.servers();
  while (std::optional<Comparison> asked = words.comparison()) {
    if (read_range(words, *asked, pattern.range)) continue;
    if (names_peer(asked->name)) {
      static_cast<void>(words.server_of(asked->value));
    } else if (asked->name == "term" || asked->name == "votes" || names_other_term(asked->name)) {
      static_cast<void>(words.number_of(asked->value));
    } else if (asked->name != "reason") {
      words.fail("events have no `" + asked->name + "`");
    }
    pattern.fields.push_back(std::move(*asked));
  }
  return pattern;
}

// Whatever of an event is a reason: a refusal, a step-down, what is wrong with a header.
std::string reason_of(const Event& event) {
  if (event.refusal != Refusal::none) return std::string(to_string(event.refusal));
  if (event.reason != StepDown::none) return std::string(to_string(event.reason));
  return std::string(to_string(event.fault));
}

bool matches(const RaftCluster& cluster, const Event& event, const Comparison& wanted) {
  if (wanted.name == "reason") return compares(reason_of(event), wanted);
  if (wanted.name == "term") return compares(std::to_string(event.own_term), wanted);
  if (wanted.name == "votes") return compares(std::to_string(event.count), wanted);
  if (names_other_term(wanted.name)) return compares(std::to_string(event.term), wanted);
  return event.peer != kNobody && compares(cluster.name(event.peer), wanted);
}

// Whether an event is meant, wherever it happened.
bool matches(const Play& play, const Happened& happened, const EventPattern& pattern) {
  return happened.event.kind == pattern.kind && in_time(play, happened.when, pattern.range) &&
         std::ranges::all_of(pattern.fields, [&](const Comparison& wanted) {
           return matches(play.cluster(), happened.event, wanted);
         });
}

std::size_t count(const Play& play, const EventPattern& pattern, ServerId on) {
  const auto is_meant = [&](const Happened& happened) {
    return (on == kNobody || happened.server == on) && matches(play, happened, pattern);
  };
  return static_cast<std::size_t>(std::ranges::count_if(play.events(), is_meant));
}

std::string describe(const Play& play, const EventPattern& pattern) {
  std::string text;
  for (const Happened& happened : play.events()) {
    if (happened.event.kind != pattern.kind) continue;
    text += "\n    " + std::to_string((happened.when - play.marked_at()).count() / 1000) +
            " us: " + play.cluster().name(happened.server) +
            " term=" + std::to_string(happened.event.own_term) + " " + format(happened.event);
  }
  return text.empty() ? "no such event" : "of these events (times since the mark):" + text;
}

// ---- Messages ----

struct MessagePattern {
  MessageKind kind = MessageKind::pre_vote;
  std::vector<ServerId> from;
  std::vector<ServerId> to;
  Heard::Where where = Heard::Where::sent;
  std::optional<bool> granted;
  std::vector<Comparison> fields;
  Range range;
};

void read_message_field(const Words& words, Comparison asked, MessagePattern& pattern) {
  if (asked.name == "at") {
    if (asked.value == "sent") {
      pattern.where = Heard::Where::sent;
    } else if (asked.value == "received") {
      pattern.where = Heard::Where::received;
    } else if (asked.value == "lost") {
      pattern.where = Heard::Where::lost;
    } else {
      words.fail("a message is looked at where it is sent, received or lost");
    }
  } else if (asked.name == "granted") {
    if (asked.value != "yes" && asked.value != "no") words.fail("granted is yes or no");
    pattern.granted = asked.value == "yes";
  } else if (asked.name == "term" || asked.name == "reason") {
    pattern.fields.push_back(std::move(asked));
  } else {
    words.fail("messages have no `" + asked.name + "`");
  }
}

MessagePattern read_message(Words& words, bool none) {
  MessagePattern pattern;
  const std::string_view name = words.next("a kind of message");
  const std::optional<MessageKind> kind = parse_message_kind(name);
  if (!kind) words.fail("there is no message `" + std::string(name) + "`");
  pattern.kind = *kind;
  pattern.from = words.servers();
  if (!words.take("->")) words.fail("it is `A -> B`");
  pattern.to = words.servers();
  if (none) pattern.range.times = {.name = "times", .sign = "=", .value = "0"};
  while (std::optional<Comparison> asked = words.comparison()) {
    if (read_range(words, *asked, pattern.range)) continue;
    read_message_field(words, std::move(*asked), pattern);
  }
  return pattern;
}

bool is_meant(const Play& play, const Heard& heard, const MessagePattern& pattern) {
  const Message& message = heard.message;
  if (heard.where != pattern.where || message.kind != pattern.kind) return false;
  if (pattern.granted && *pattern.granted != message.granted) return false;
  return in_time(play, heard.when, pattern.range) &&
         std::ranges::all_of(pattern.fields, [&](const Comparison& wanted) {
           return wanted.name == "term" ? compares(std::to_string(message.term), wanted)
                                        : compares(to_string(message.refusal), wanted);
         });
}

std::size_t count(const Play& play, const MessagePattern& pattern, ServerId from, ServerId to) {
  return static_cast<std::size_t>(std::ranges::count_if(play.messages(), [&](const Heard& heard) {
    return heard.message.from == from && heard.message.to == to && is_meant(play, heard, pattern);
  }));
}

std::string describe(const Play& play, const MessagePattern& pattern) {
  std::string text;
  for (const ServerId from : pattern.from) {
    for (const ServerId to : pattern.to) {
      if (from == to) continue;
      text += play.cluster().name(from) + " -> " + play.cluster().name(to) + ": " +
              std::to_string(count(play, pattern, from, to)) + " times; ";
    }
  }
  return text;
}

}  // namespace

Condition event_condition(Words& words, bool none) {
  const EventPattern pattern = read_event(words, none);
  return {.text = {},
          .holds =
              [pattern](const Play& play) {
                const auto holds_on = [&](ServerId id) {
                  return compares(std::to_string(count(play, pattern, id)), pattern.range.times);
                };
                if (pattern.on.empty()) return holds_on(kNobody);
                return std::ranges::all_of(pattern.on, holds_on);
              },
          .found = [pattern](const Play& play) { return describe(play, pattern); }};
}

Condition message_condition(Words& words, bool none) {
  const MessagePattern pattern = read_message(words, none);
  return {.text = {},
          .holds =
              [pattern](const Play& play) {
                for (const ServerId from : pattern.from) {
                  for (const ServerId to : pattern.to) {
                    if (from == to) continue;
                    const std::size_t found = count(play, pattern, from, to);
                    if (!compares(std::to_string(found), pattern.range.times)) return false;
                  }
                }
                return true;
              },
          .found = [pattern](const Play& play) { return describe(play, pattern); }};
}

}  // namespace coracle::raft::sim
