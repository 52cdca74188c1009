#include "raft/sim/scenario.h"

#include <algorithm>

#include "raft/sim/condition.h"
#include "raft/sim/statements.h"
#include "runtime/error.h"

namespace coracle::raft::sim {
namespace {

const Statement* find(std::string_view word) {
  for (const auto statements : all_statements()) {
    const auto found = std::ranges::find(statements, word, &Statement::word);
    if (found != statements.end()) return &*found;
  }
  return nullptr;
}

Action parse(const Line& line, Cast& cast) {
  Words words(line, cast);
  const std::string_view word = words.next("a word");
  if (word == "cluster") {
    if (!cast.all().empty()) words.fail("a scenario has one cluster");
    Action begin = parse_cluster(words, cast);
    words.end();
    return begin;
  }
  if (cast.all().empty()) words.fail("the first line is `cluster N`");
  const Statement* statement = find(word);
  if (statement == nullptr) {
    words.fail("there is no word `" + std::string(word) + "`, but these:\n" + statement_usage());
  }
  words.set_usage(statement->usage);
  Action act = statement->parse(words);
  words.end();
  return act;
}

}  // namespace

Scenario::Scenario(std::string name, std::string_view text)
    : name_(std::move(name)), claim_(opening_comment(text)) {
  Cast cast;
  for (const Line& line : split_lines(text)) {
    try {
      steps_.push_back({line.number, line.text, parse(line, cast)});
    } catch (const ScriptError& error) {
      throw ScriptError(error.line(), at(error.line()) + error.what());
    }
  }
  if (steps_.empty()) throw ScriptError(1, at(1) + "a scenario begins with `cluster N`");
}

std::string Scenario::at(std::size_t line) const {
  return name_ + ":" + std::to_string(line) + ": ";
}

Scenario::Outcome Scenario::run(Play& play,
                                const std::function<void(std::string_view)>& before_line) const {
  for (const Step& step : steps_) {
    if (before_line && !step.text.starts_with("expect")) before_line(step.text);
    try {
      step.act(play);
    } catch (const Unmet& unmet) {
      return {.passed = false, .failure = at(step.line) + unmet.what()};
    } catch (const std::exception& error) {  // a livelock; a server that cannot do what is said
      return {.passed = false,
              .failure = at(step.line) + "`" + step.text + "` failed: " + error.what()};
    }
  }
  const std::vector<std::string> unmet = play.cluster().message_faults().unmet();
  if (unmet.empty()) return {.passed = true, .failure = {}};
  return {.passed = false,
          .failure = at(steps_.back().line) +
                     "no message came that this was planned for: " + unmet.front()};
}

}  // namespace coracle::raft::sim
