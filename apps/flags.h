// Command-line flags of our own types, for CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "runtime/duration_text.h"

namespace coracle {

// The command line of a program. What is wrong with it is shown together with all that is allowed.
class Flags : public CLI::App {
 public:
  explicit Flags(const std::string& about) : CLI::App(about) {
    failure_message(CLI::FailureMessage::help);
  }
};

// Adds a flag that takes a duration (`10s`, `150ms`); `value` is its default, shown by --help.
//   Borrows    `value` as long as `app`.
CLI::Option* add_duration(CLI::App& app, const std::string& flag, Duration& value,
                          const std::string& help);

// The same for a range of durations (`150-300ms`).
CLI::Option* add_duration_range(CLI::App& app, const std::string& flag, DurationRange& value,
                                const std::string& help);

}  // namespace coracle
