// The flags that decide how elections are timed: the same for `serve` and `demo`.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "raft/options.h"
#include "runtime/duration_text.h"

namespace coracle::demo {

class TimingFlags {
 public:
  // Adds --election-timeout, --heartbeat and --plain, with Raft's defaults.
  //   Borrows    this object as long as `app`.
  void add_to(CLI::App& app);

  // Returns    what they say.
  //   Throws     CLI::ValidationError when the times do not fit together.
  [[nodiscard]] raft::Options options() const;

  // Returns    the arguments that say the same to another process.
  [[nodiscard]] std::vector<std::string> arguments() const;

 private:
  DurationRange election_timeout_{raft::Timing{}.timeout_min, raft::Timing{}.timeout_max};
  Duration heartbeat_ = raft::Timing{}.heartbeat;
  bool plain_ = false;
};

}  // namespace coracle::demo
