#include "raft/sim/condition.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "raft/sim/client_condition.h"
#include "raft/sim/history_condition.h"

namespace coracle::raft::sim {
namespace {

constexpr std::string_view kUsage =
    "on A,B: FIELD=VALUE ...   role= term= vote= leader= commit= applied= last= ; also < <= > >=\n"
    "durable on A,B: FIELD=VALUE ...   term= vote= : what a loss of power would leave\n"
    "one leader | no leader [among A,B] | leader A | leader among A,B : one of these\n"
    "agreed [on A,B]           all that are up, or these, follow one leader\n"
    "up A,B | down A,B\n"
    "answer NAME is=done|not_leader|unknown|expired|open [value=] [found=] [leader=]\n"
    "map on A,B: KEY=VALUE ...   what they have applied; none where there is no such key\n"
    "logs equal [on A,B]         the same entries, and the same commit index\n"
    "[no] event NAME [on A,B] [peer=C] [term=] [for_term=] [votes=] [reason=] [after=] [before=] "
    "[times=]\n"
    "[no] message KIND A -> B [at=sent|received|lost] [term=] [granted=yes|no] [reason=] "
    "[after=] [before=] [times=]";

std::string name_or_none(const RaftCluster& cluster, ServerId id) {
  return id == kNobody ? "none" : cluster.name(id);
}

// ---- on A,B: role=follower ----

std::string value_of(const RaftCluster& cluster, ServerId id, std::string_view field) {
  const State& state = cluster.state(id);
  if (field == "role") return std::string(state.role_name());
  if (field == "term") return std::to_string(state.term());
  if (field == "vote") return name_or_none(cluster, state.vote());
  if (field == "leader") return name_or_none(cluster, state.leader());
  if (field == "commit") return std::to_string(state.commit_index());
  if (field == "applied") return std::to_string(state.applied_index());
  return std::to_string(state.log().last().index);
}

std::string durable_value_of(const RaftCluster& cluster, ServerId id, std::string_view field) {
  const HardState found = cluster.durable(id);
  return field == "term" ? std::to_string(found.term) : name_or_none(cluster, found.vote);
}

std::string describe(const Play& play, ServerId id) {
  const RaftCluster& cluster = play.cluster();
  std::string text = cluster.name(id);
  if (!cluster.is_up(id)) return text + " is down";
  for (const std::string_view field : {"role", "term", "vote", "leader", "commit"}) {
    text += " " + std::string(field) + "=" + value_of(cluster, id, field);
  }
  return cluster.host(id).paused() ? text + " (paused)" : text;
}

std::string describe(const Play& play, const std::vector<ServerId>& servers) {
  std::string text;
  for (const ServerId id : servers) text += (text.empty() ? "" : "; ") + describe(play, id);
  return text;
}

void check_field(const Words& words, const Comparison& asked,
                 const std::vector<std::string_view>& fields) {
  if (std::ranges::count(fields, asked.name) == 0) {
    std::string allowed;
    for (const std::string_view field : fields) allowed += " " + std::string(field);
    words.fail("`" + asked.name + "` is none of:" + allowed);
  }
  const bool is_name = asked.name == "vote" || asked.name == "leader" || asked.name == "role";
  if (!is_name) {
    static_cast<void>(words.number_of(asked.value));
  } else if (asked.sign != "=") {
    words.fail("`" + asked.name + "` is compared with = only");
  } else if (asked.name != "role" && asked.value != "none") {
    static_cast<void>(words.server_of(asked.value));
  }
}

std::vector<Comparison> read_fields(Words& words, const std::vector<std::string_view>& fields) {
  std::vector<Comparison> asked;
  while (std::optional<Comparison> comparison = words.comparison()) {
    check_field(words, *comparison, fields);
    if (comparison->name == "role") {
      constexpr std::array<std::string_view, 4> kRoles = {"follower", "pre-candidate", "candidate",
                                                          "leader"};
      if (std::ranges::count(kRoles, comparison->value) == 0) {
        words.fail("a role is follower, pre-candidate, candidate or leader");
      }
    }
    asked.push_back(std::move(*comparison));
  }
  if (asked.empty()) words.fail("what should hold on these servers?");
  return asked;
}

Condition on_servers(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  const std::vector<Comparison> asked =
      read_fields(words, {"role", "term", "vote", "leader", "commit", "applied", "last"});
  return {.text = {},
          .holds =
              [servers, asked](const Play& play) {
                const RaftCluster& cluster = play.cluster();
                return std::ranges::all_of(servers, [&](ServerId id) {
                  return cluster.is_up(id) &&
                         std::ranges::all_of(asked, [&](const Comparison& wanted) {
                           return compares(value_of(cluster, id, wanted.name), wanted);
                         });
                });
              },
          .found = [servers](const Play& play) { return describe(play, servers); }};
}

Condition durable_on_servers(Words& words) {
  if (!words.take("on")) words.fail("it is `durable on A: ...`");
  const std::vector<ServerId> servers = words.servers();
  const std::vector<Comparison> asked = read_fields(words, {"term", "vote"});
  return {.text = {},
          .holds =
              [servers, asked](const Play& play) {
                return std::ranges::all_of(servers, [&](ServerId id) {
                  return std::ranges::all_of(asked, [&](const Comparison& wanted) {
                    return compares(durable_value_of(play.cluster(), id, wanted.name), wanted);
                  });
                });
              },
          .found =
              [servers](const Play& play) {
                std::string text;
                for (const ServerId id : servers) {
                  text += play.cluster().name(id) +
                          " term=" + durable_value_of(play.cluster(), id, "term") +
                          " vote=" + durable_value_of(play.cluster(), id, "vote") + " ";
                }
                return text;
              }};
}

// ---- Leaders ----

std::vector<ServerId> leaders(const RaftCluster& cluster) {
  std::vector<ServerId> found;
  for (const ServerId id : cluster.ids()) {
    if (cluster.is_up(id) && cluster.state(id).role() == Role::leader) found.push_back(id);
  }
  return found;
}

std::string describe_all(const Play& play) { return describe(play, play.cluster().ids()); }

// So many of these lead; what others do is not asked.
Condition leaders_are(std::ptrdiff_t many, std::vector<ServerId> among) {
  return {.text = {},
          .holds =
              [many, among = std::move(among)](const Play& play) {
                const std::vector<ServerId> found = leaders(play.cluster());
                return many == std::ranges::count_if(among, [&](ServerId id) {
                         return std::ranges::count(found, id) > 0;
                       });
              },
          .found = describe_all};
}

std::vector<ServerId> read_among(Words& words) {
  return words.take("among") ? words.servers() : words.cast().all();
}

Condition leader_is(Words& words) {
  if (words.take("among")) return leaders_are(1, words.servers());
  return leaders_are(1, {words.server()});
}

Condition agreed(Words& words) {
  const std::vector<ServerId> servers =
      words.take("on") ? words.servers() : std::vector<ServerId>();
  return {.text = {},
          .holds =
              [servers](const Play& play) {
                std::vector<ServerId> among = servers;
                for (const ServerId id : play.cluster().ids()) {
                  if (servers.empty() && play.cluster().is_up(id)) among.push_back(id);
                }
                return play.cluster().agreed_leader(among) != kNobody;
              },
          .found = describe_all};
}

Condition is_up(Words& words, bool up) {
  const std::vector<ServerId> servers = words.servers();
  return {.text = {},
          .holds =
              [servers, up](const Play& play) {
                return std::ranges::all_of(servers, [&](ServerId id) {
                  return up ? play.cluster().is_up(id) : !play.cluster().host(id).running();
                });
              },
          .found = [servers](const Play& play) { return describe(play, servers); }};
}

Condition parse(Words& words) {
  if (words.take("on")) return on_servers(words);
  if (words.take("durable")) return durable_on_servers(words);
  if (words.take("leader")) return leader_is(words);
  if (words.take("agreed")) return agreed(words);
  if (words.take("up")) return is_up(words, true);
  if (words.take("answer")) return answer_condition(words);
  if (words.take("map")) return map_condition(words);
  if (words.take("logs")) return logs_condition(words);
  if (words.take("down")) return is_up(words, false);
  if (words.take("one")) {
    if (!words.take("leader")) words.fail("it is `one leader`");
    return leaders_are(1, read_among(words));
  }
  const bool none = words.take("no");
  if (none && words.take("leader")) return leaders_are(0, read_among(words));
  if (words.take("event")) return event_condition(words, none);
  if (words.take("message")) return message_condition(words, none);
  words.fail("`" + std::string(words.peek()) + "` is no condition");
}

}  // namespace

bool compares(std::string_view found, const Comparison& wanted) {
  if (wanted.sign == "=") return found == wanted.value;
  const std::uint64_t left = std::stoull(std::string(found));
  const std::uint64_t right = std::stoull(wanted.value);
  if (wanted.sign == "<") return left < right;
  if (wanted.sign == "<=") return left <= right;
  if (wanted.sign == ">") return left > right;
  return left >= right;
}

std::string_view condition_usage() { return kUsage; }

Condition parse_condition(Words& words) {
  words.set_usage(kUsage);
  std::string text = words.text();
  for (const std::string_view verb : {"expect ", "run until "}) {
    if (text.starts_with(verb)) text.erase(0, verb.size());
  }
  Condition condition = parse(words);
  condition.text = std::move(text);
  return condition;
}

}  // namespace coracle::raft::sim
