// Programs that simulated processes can start as their children, by path, as process.h does it.
//
//   world.add_program("/bin/sort", [](sim::ProgramStart start) -> Task<> { ... });
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/pipe_writer.h"
#include "runtime/task.h"

namespace coracle::sim {

// What a program starts with. Its standard input is PipeReader::standard_input(), as everywhere;
// its log goes to its standard error.
struct ProgramStart {
  ProgramStart(std::vector<std::string> given_arguments,
               std::vector<std::pair<std::string, std::string>> given_environment,
               PipeWriter given_output)
      : arguments(std::move(given_arguments)),
        environment(std::move(given_environment)),
        output(std::move(given_output)) {}

  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  PipeWriter output;  // its standard output; what is written to none is lost
};

// Makes the main task. The process's exit code is 0 if that returns, and 1 if it throws.
using Program = std::function<Task<>(ProgramStart)>;

}  // namespace coracle::sim
