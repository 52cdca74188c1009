// The words of scripts that set a cluster up, let time pass, and say what is expected.
#include "raft/sim/statements.h"

#include <array>

#include "raft/sim/condition.h"

namespace coracle::raft::sim {
namespace {

// ---- Set-up ----

// Returns    whether the word is one of those that change options.
bool read_option(Words& words, Options& options) {
  if (words.take("plain")) {
    const Timing timing = options.timing;
    options = Options::plain();
    options.timing = timing;
    return true;
  }
  const std::optional<Comparison> option = words.comparison();
  if (!option) return false;
  if (option->name == "timeout") {
    const DurationRange range = words.range_of(option->value);
    options.timing.timeout_min = range.shortest;
    options.timing.timeout_max = range.longest;
  } else if (option->name == "heartbeat") {
    options.timing.heartbeat = words.duration_of(option->value);
  } else if (option->name == "pre_vote") {
    options.pre_vote = words.switch_of(option->value);
  } else if (option->name == "check_quorum") {
    options.check_quorum = words.switch_of(option->value);
  } else if (option->name == "sticky_leader") {
    options.sticky_leader = words.switch_of(option->value);
  } else {
    words.fail("there is no option `" + option->name + "`");
  }
  return true;
}

void check_options(const Words& words, const Options& options) {
  const std::string fault = validate(options);
  if (!fault.empty()) words.fail(fault);
}

Action parse_options(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  Options options;
  while (!words.done()) {
    if (!read_option(words, options)) words.fail("that is no option");
  }
  check_options(words, options);
  return [servers, options](Play& play) {
    for (const ServerId id : servers) play.cluster().set_options(id, options);
  };
}

Action parse_voters(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  const std::vector<ServerId> voters =
      words.take("none") ? std::vector<ServerId>() : words.servers();
  std::vector<ServerId> learners;
  if (const auto more = words.comparison()) {
    if (more->name != "learners") words.fail("what is `" + more->name + "`?");
    learners = words.servers_of(more->value);
  }
  return [servers, voters, learners](Play& play) {
    for (const ServerId id : servers) {
      play.cluster().set_configuration(id, Configuration(voters, learners));
    }
  };
}

Action parse_timeouts(Words& words) {
  const ServerId server = words.server();
  std::vector<Duration> timeouts;
  for (const std::string& one : words.list_of(words.next("durations"))) {
    timeouts.push_back(words.duration_of(one));
  }
  return [server, timeouts](Play& play) { play.cluster().add_timeouts(server, timeouts); };
}

Action parse_hard_state(Words& words) {
  const ServerId server = words.server();
  HardState hard_state;
  while (const std::optional<Comparison> given = words.comparison()) {
    if (given->name == "term") {
      hard_state.term = words.number_of(given->value);
    } else if (given->name == "vote") {
      hard_state.vote = given->value == "none" ? kNobody : words.server_of(given->value);
    } else {
      words.fail("a hard state is term= and vote=");
    }
  }
  return [server, hard_state](Play& play) {
    demand(play.cluster().now() == TimePoint(), "promises are given before anything has begun");
    play.cluster().set_hard_state(server, hard_state);
  };
}

Action parse_log(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  std::vector<Term> terms;
  if (!words.take("none")) {
    for (const std::string& term : words.list_of(words.next("terms"))) {
      terms.push_back(words.number_of(term));
      const Term before = terms.size() < 2 ? 1 : terms[terms.size() - 2];
      if (terms.back() < before) words.fail("terms in a log begin with 1 and never fall");
    }
  }
  return [servers, terms](Play& play) {
    for (const ServerId id : servers) {
      demand(!play.cluster().host(id).running(), "logs are given to servers that do not run");
      play.cluster().set_log(id, terms);
    }
  };
}

Action parse_start(Words& words) {
  if (words.done()) return [](Play& play) { play.cluster().start_all(); };
  const std::vector<ServerId> servers = words.servers();
  return [servers](Play& play) {
    for (const ServerId id : servers) play.cluster().start(id);
  };
}

// ---- Time ----

Action parse_run(Words& words) {
  if (!words.take("until")) {
    const Duration span = words.duration();
    return [span](Play& play) { play.cluster().run_for(span); };
  }
  const Condition condition = parse_condition(words);
  if (!words.take("within")) words.fail("within how long?");
  const Duration limit = words.duration();
  return [condition, limit](Play& play) {
    const bool held = play.cluster().run_until([&] { return condition.holds(play); }, limit);
    if (!held) throw Unmet(condition.text, condition.found(play));
  };
}

Action parse_elect(Words& words) {
  const ServerId server = words.server();
  return [server](Play& play) {
    if (play.cluster().elect(server)) return;
    const RaftCluster& cluster = play.cluster();
    const ServerId leader = cluster.leader();
    throw Unmet(cluster.name(server) + " to become leader within 10 s",
                leader == kNobody ? "no leader" : cluster.name(leader) + " leads");
  };
}

Action parse_mark(Words& /*words*/) {
  return [](Play& play) { play.mark(); };
}

Action parse_expect(Words& words) {
  const Condition condition = parse_condition(words);
  return [condition](Play& play) {
    if (!condition.holds(play)) throw Unmet(condition.text, condition.found(play));
  };
}

constexpr std::array<Statement, 10> kStatements = {{
    {"options",
     "options A,B [plain] [pre_vote=off] [check_quorum=off] [sticky_leader=off] "
     "[timeout=150-300ms] [heartbeat=50ms]",
     parse_options},
    {"voters", "voters A,B C,D [learners=E]   (what A and B take the configuration to be)",
     parse_voters},
    {"timeouts", "timeouts A 202ms,250ms   (that A draws next)", parse_timeouts},
    {"hard_state", "hard_state A term=3 vote=B   (of an earlier life, before the start)",
     parse_hard_state},
    {"log", "log A,B 1,1,2   (the terms of their entries, while they do not run) | log A none",
     parse_log},
    {"start", "start [A,B]", parse_start},
    {"run", "run 1s | run until CONDITION within 5s", parse_run},
    {"elect", "elect A", parse_elect},
    {"mark", "mark   (events and messages count from here)", parse_mark},
    {"expect", "expect CONDITION", parse_expect},
}};

constexpr std::string_view kClusterUsage =
    "cluster N [seed=S] [plain] [names=A,B,C] [timeout=150-300ms] [heartbeat=50ms] [learners=C] "
    "[pre_vote=off] [check_quorum=off] [sticky_leader=off]";

}  // namespace

std::span<const Statement> play_statements() { return kStatements; }

std::array<std::span<const Statement>, 4> all_statements() {
  return {play_statements(), fault_statements(), message_statements(), client_statements()};
}

Action parse_cluster(Words& words, Cast& cast) {
  constexpr std::size_t kServersMax = 15;
  words.set_usage(kClusterUsage);
  ClusterSetup setup;
  setup.servers = words.count();
  if (setup.servers < 1 || setup.servers > kServersMax) words.fail("a cluster has 1 to 15 servers");
  for (ServerId id = 1; id <= setup.servers; ++id) setup.names.push_back(std::to_string(id));
  std::string learners;
  while (!words.done()) {
    const std::string_view word = words.peek();
    const bool is_own =
        word.starts_with("seed=") || word.starts_with("names=") || word.starts_with("learners=");
    if (!is_own) {
      if (!read_option(words, setup.options)) words.fail("that is no option");
      continue;
    }
    const std::optional<Comparison> given = words.comparison();
    if (given->name == "seed") {
      setup.seed = words.number_of(given->value);
    } else if (given->name == "names") {
      setup.names = words.list_of(given->value);
    } else {
      learners = given->value;
    }
  }
  check_options(words, setup.options);
  if (setup.names.size() != setup.servers) words.fail("each server has a name");
  for (ServerId id = 1; id <= setup.servers; ++id) {
    if (cast.find(setup.names[id - 1])) words.fail("each server has a name of its own");
    cast.add(setup.names[id - 1], id);
  }
  if (!learners.empty()) setup.learners = words.servers_of(learners);
  return [setup](Play& play) { play.begin(setup); };
}

std::string statement_usage() {
  std::string text = "  " + std::string(kClusterUsage);
  for (const auto statements : all_statements()) {
    for (const Statement& statement : statements) {
      text += "\n  ";
      text += statement.usage;
    }
  }
  return text;
}

}  // namespace coracle::raft::sim
