#include "apps/timing_flags.h"

#include <CLI/Error.hpp>

#include "apps/flags.h"

namespace coracle::demo {

void TimingFlags::add_to(CLI::App& app) {
  add_duration_range(app, "--election-timeout", election_timeout_,
                     "How long a follower hears no leader before it stands for election; drawn "
                     "anew each time");
  add_duration(app, "--heartbeat", heartbeat_, "How often a leader lets itself be heard");
  app.add_flag("--plain", plain_,
               "The Raft of the paper: no pre-vote, no quorum check, votes for anyone who asks");
}

raft::Options TimingFlags::options() const {
  raft::Options options = plain_ ? raft::Options::plain() : raft::Options();
  options.timing = {heartbeat_, election_timeout_.shortest, election_timeout_.longest};
  const std::string fault = raft::validate(options);
  if (!fault.empty()) throw CLI::ValidationError("--election-timeout, --heartbeat", fault);
  return options;
}

std::vector<std::string> TimingFlags::arguments() const {
  std::vector<std::string> arguments{"--election-timeout", print_duration_range(election_timeout_),
                                     "--heartbeat", print_duration(heartbeat_)};
  if (plain_) arguments.emplace_back("--plain");
  return arguments;
}

}  // namespace coracle::demo
