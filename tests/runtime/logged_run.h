// Runs a main task and keeps what it logs.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/run.h"

namespace coracle {

// What `main` logged, a line each.
inline std::vector<std::string> logged_run(Task<> main) {
  std::vector<std::string> lines;
  RunOptions options;
  options.log_sink = [&lines](std::string_view line) { lines.emplace_back(line); };
  run(std::move(main), options);
  return lines;
}

}  // namespace coracle
