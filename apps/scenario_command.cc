#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/whole_file.h"
#include "raft/sim/condition.h"
#include "raft/sim/narrator.h"
#include "raft/sim/scenario.h"
#include "raft/sim/statements.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

constexpr std::size_t kEventsShown = 200;  // of the trace, where a script fails

struct ScenarioFlags {
  std::vector<std::string> files;
  bool explains = false;
  std::string trace;
};

Task<> read_files(const std::vector<std::string>& paths, std::map<std::string, std::string>& into) {
  for (const std::string& path : paths) {
    std::string text = co_await read_whole_file(path);
    into[path] = std::move(text);
  }
}

std::string trace_of(const raft::sim::Play& play, const std::string& path) {
  std::ostringstream text;
  coracle::sim::Trace& trace = play.cluster().world().trace();
  path.ends_with("json") ? trace.write_ndjson(text) : trace.write_text(text);
  return text.str();
}

void explain_line(const raft::sim::Scenario& scenario, std::string_view line) {
  if (line.starts_with("cluster")) fmt::print("{}\n\n", scenario.claim());
  fmt::print("            > {}\n", line);
}

// Plays one script.
//   Returns    whether it passed.
bool play(const ScenarioFlags& flags, const std::string& path, const std::string& text) {
  const raft::sim::Scenario scenario(path, text);
  raft::sim::Narrator narrator([](std::string_view sentence) { fmt::print("{}\n", sentence); });
  raft::sim::Play stage(flags.explains ? &narrator : nullptr);
  narrator.follow(stage);
  const auto before_line = [&](std::string_view line) {
    narrator.settle();
    explain_line(scenario, line);
  };
  const raft::sim::Scenario::Outcome outcome =
      flags.explains ? scenario.run(stage, before_line) : scenario.run(stage);
  narrator.settle();
  if (!flags.trace.empty() && stage.begun()) {
    const std::string trace = trace_of(stage, flags.trace);
    run(write_whole_file(flags.trace, trace));
  }
  fmt::print("{} {}\n", outcome.passed ? "passed" : "FAILED", path);
  if (outcome.passed) return true;
  std::ostringstream tail;
  if (stage.begun()) stage.cluster().world().trace().write_tail(tail, kEventsShown);
  fmt::print("{}\n  what happened before, as far as it is shown (--trace FILE has it all):\n{}",
             outcome.failure, tail.str());
  return false;
}

void run_scenarios(const ScenarioFlags& flags) {
  std::map<std::string, std::string> texts;
  run(read_files(flags.files, texts));
  std::size_t passed = 0;
  for (const std::string& path : flags.files) {
    try {
      if (play(flags, path, texts[path])) ++passed;
    } catch (const raft::sim::ScriptError& error) {
      fmt::print("FAILED {}\n{}\n", path, error.what());
    }
    std::fflush(stdout);
  }
  const std::size_t failed = flags.files.size() - passed;
  if (flags.files.size() > 1) fmt::print("{} passed, {} failed\n", passed, failed);
  if (failed > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void add_scenario(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "scenario", "Plays scripts of elections in a simulated cluster, and says whether they hold");
  const auto flags = std::make_shared<ScenarioFlags>();
  command->add_option("FILE", flags->files, "The scripts")->required();
  command->add_flag("--explain", flags->explains, "Tells what happens, in sentences");
  command->add_option("--trace", flags->trace,
                      "Writes every event of the last script here; as NDJSON if the name ends in "
                      "json");
  command->callback([flags] { run_scenarios(*flags); });
  command->footer("Words of scripts:\n" + raft::sim::statement_usage() +
                  "\n\nCONDITION is one of:\n" + std::string(raft::sim::condition_usage()));
}

}  // namespace coracle::demo
