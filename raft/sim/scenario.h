// A scenario: a script of lines that sets up a cluster, does things to it, and says what must come
// of it. The words are in statements.cc, what can be expected in condition.cc.
//
//   cluster 3 seed=7
//   elect 1
//   partition 1 | 2,3
//   run until leader among 2,3 within 2s
//   expect on 1: role=leader
//
// A `#` begins a comment. Servers are called 1, 2, 3, ... unless `cluster` names them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/sim/play.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

class Scenario {
 public:
  // Reads a script. `name` is how messages call it: its file.
  //   Throws     ScriptError for a line that says nothing, or nothing that can be done.
  Scenario(std::string name, std::string_view text);

  [[nodiscard]] const std::string& name() const { return name_; }
  // Returns    the claim that it proves: the comment at its beginning.
  [[nodiscard]] const std::string& claim() const { return claim_; }

  struct Outcome {
    bool passed = false;
    std::string failure;  // file, line, what was expected and what was found
  };

  // Plays it to its end, or to the first line that fails: an expectation that is not met, a fault
  // that was planned and never came.
  // `before_line` is told each line before it is done, unless it is an expectation.
  //   Returns    how it went. The cluster stays in `play`, for its trace.
  [[nodiscard]] Outcome run(Play& play,
                            const std::function<void(std::string_view)>& before_line = {}) const;

 private:
  struct Step {
    std::size_t line;
    std::string text;
    Action act;
  };

  [[nodiscard]] std::string at(std::size_t line) const;

  std::string name_;
  std::string claim_;
  std::vector<Step> steps_;
};

}  // namespace coracle::raft::sim
