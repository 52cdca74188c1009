// The words of scripts by which clients ask servers for something, and what is known of the
// answers.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "raft/sim/client_condition.h"
#include "raft/sim/statements.h"

namespace coracle::raft::sim {
namespace {

constexpr std::string_view kUnnamed = "the last answer";

// Reads `[as NAME]`.
std::string read_name(Words& words) {
  return words.take("as") ? std::string(words.next("a name")) : std::string(kUnnamed);
}

void ask(Play& play, ServerId server, const std::string& name, ClientRequest request) {
  GivenAnswer& given = play.answers()[name] = {};
  const bool asked = play.cluster().ask(server, std::move(request),
                                        [&given](const ClientAnswer& answer) { given = answer; });
  demand(asked, play.cluster().name(server) + " is not up: nobody can ask it");
}

// `x=1` puts, `x+=1` appends, `x` alone is left to the caller.
MapCommand read_command(Words& words) {
  const std::string word(words.next("KEY=VALUE or KEY+=VALUE"));
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0) words.fail("it is KEY=VALUE or KEY+=VALUE");
  MapCommand command{.kind = MapCommand::Kind::put, .key = word.substr(0, equals)};
  command.value = word.substr(equals + 1);
  if (command.key.ends_with('+')) {
    command.kind = MapCommand::Kind::append;
    command.key.pop_back();
  }
  if (command.key.empty()) words.fail("a key has a name");
  return command;
}

Action parse_propose(Words& words) {
  const ServerId server = words.server();
  const MapCommand command = read_command(words);
  std::string session;
  SessionCommand number{.lowest_unanswered = 1};
  std::uint64_t times = 1;
  while (const std::optional<Comparison> given = words.comparison()) {
    if (given->name == "session") {
      session = given->value;
    } else if (given->name == "number") {
      number.sequence = words.number_of(given->value);
    } else if (given->name == "times") {
      times = words.number_of(given->value);
    } else {
      words.fail("a proposal has session=, number= and times=");
    }
  }
  if (session.empty() != (number.sequence == 0)) words.fail("a session's commands are numbered");
  const std::string name = read_name(words);
  return [=](Play& play) {
    AskedCommand asked{.command = command};
    if (!session.empty()) {
      const GivenAnswer& opened = play.answers()[session];
      demand(opened.has_value() && opened->session != 0, "no session " + session + " is open");
      asked.session = number;
      asked.session->session = opened->session;
    }
    for (std::uint64_t i = 0; i < times; ++i) ask(play, server, name, asked);
  };
}

Action parse_session(Words& words) {
  const ServerId server = words.server();
  const Duration idle_max = words.take("for") ? words.duration() : std::chrono::minutes(1);
  const std::string name = read_name(words);
  return [=](Play& play) { ask(play, server, name, AskedSession{.idle_max = idle_max}); };
}

Action parse_read(Words& words) {
  const ServerId server = words.server();
  const std::string key(words.next("a key"));
  const std::string name = read_name(words);
  return [=](Play& play) { ask(play, server, name, AskedRead{.key = key}); };
}

constexpr std::array<Statement, 3> kStatements = {{
    {"propose",
     "propose A KEY=VALUE|KEY+=VALUE [session=S number=N] [times=N] [as NAME]   (a client asks A)",
     parse_propose},
    {"session", "session A [for 10s] as NAME   (a client opens one through A)", parse_session},
    {"read", "read A KEY [as NAME]   (a client reads through A, linearizably)", parse_read},
}};

}  // namespace

std::span<const Statement> client_statements() { return kStatements; }

// ---- Conditions ----

namespace {

std::string describe(const GivenAnswer& given) {
  if (!given) return "open";
  std::string text(to_string(given->kind));
  if (given->value) text += " value=" + *given->value;
  if (given->result.found) text += " found=" + *given->result.found;
  return text;
}

bool is_as(const Play& play, const GivenAnswer& given, const Comparison& wanted) {
  if (wanted.name == "is") {
    return wanted.value == (given ? to_string(given->kind) : std::string_view("open"));
  }
  if (!given) return false;
  if (wanted.name == "value") return given->value.value_or("none") == wanted.value;
  if (wanted.name == "found") return given->result.found.value_or("none") == wanted.value;
  return (given->leader == kNobody ? "none" : play.cluster().name(given->leader)) == wanted.value;
}

}  // namespace

Condition answer_condition(Words& words) {
  const std::string name(words.next("whose answer"));
  std::vector<Comparison> asked;
  while (std::optional<Comparison> given = words.comparison()) {
    constexpr std::array<std::string_view, 4> kFields = {"is", "value", "found", "leader"};
    if (std::ranges::count(kFields, given->name) == 0 || given->sign != "=") {
      words.fail("of an answer one expects is=, value=, found= or leader=");
    }
    asked.push_back(std::move(*given));
  }
  if (asked.empty()) words.fail("what should the answer be?");
  const auto found = [name](const Play& play) {
    const auto given = play.answers().find(name);
    demand(given != play.answers().end(), "nobody has asked for " + name);
    return given->second;
  };
  return {.text = {},
          .holds =
              [found, asked](const Play& play) {
                const GivenAnswer given = found(play);
                return std::ranges::all_of(
                    asked, [&](const Comparison& wanted) { return is_as(play, given, wanted); });
              },
          .found = [found](const Play& play) { return describe(found(play)); }};
}

Condition map_condition(Words& words) {
  if (!words.take("on")) words.fail("it is `map on A,B: KEY=VALUE`");
  const std::vector<ServerId> servers = words.servers();
  std::vector<Comparison> asked;
  while (std::optional<Comparison> given = words.comparison()) asked.push_back(std::move(*given));
  if (asked.empty()) words.fail("what should the map hold?");
  const auto value = [](const Play& play, ServerId id, const std::string& key) -> std::string {
    return play.cluster().is_up(id) ? play.cluster().map(id).find(key).value_or("none") : "down";
  };
  return {.text = {},
          .holds =
              [servers, asked, value](const Play& play) {
                return std::ranges::all_of(servers, [&](ServerId id) {
                  return std::ranges::all_of(asked, [&](const Comparison& wanted) {
                    return value(play, id, wanted.name) == wanted.value;
                  });
                });
              },
          .found =
              [servers, asked, value](const Play& play) {
                std::string text;
                for (const ServerId id : servers) {
                  text += play.cluster().name(id) + ":";
                  for (const Comparison& one : asked) {
                    text += " " + one.name + "=" + value(play, id, one.name);
                  }
                  text += "; ";
                }
                return text;
              }};
}

namespace {

std::string log_of(const RaftCluster& cluster, ServerId id) {
  if (!cluster.is_up(id)) return "down";
  const Log& log = cluster.state(id).log();
  std::string text;
  for (LogIndex index = 1; index <= log.last().index; ++index) {
    text += (text.empty() ? "" : " ") + std::to_string(log.at(index).term);
  }
  return text + " commit=" + std::to_string(cluster.state(id).commit_index());
}

}  // namespace

Condition logs_condition(Words& words) {
  if (!words.take("equal")) words.fail("it is `logs equal [on A,B]`");
  const std::vector<ServerId> servers = words.take("on") ? words.servers() : words.cast().all();
  return {.text = {},
          .holds =
              [servers](const Play& play) {
                const std::string first = log_of(play.cluster(), servers.front());
                return std::ranges::all_of(servers, [&](ServerId id) {
                  return play.cluster().is_up(id) && log_of(play.cluster(), id) == first;
                });
              },
          .found =
              [servers](const Play& play) {
                std::string text;
                for (const ServerId id : servers) {
                  text += play.cluster().name(id) + ": " + log_of(play.cluster(), id) + "; ";
                }
                return text;
              }};
}

}  // namespace coracle::raft::sim
