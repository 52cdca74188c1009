// The merged log of the demo: what the servers' log lines look like to a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apps/demo_command.h"
#include "runtime/time.h"

namespace coracle::demo {

class DemoLog {
 public:
  // Shows each server in a color of its own if `colored`.
  explicit DemoLog(bool colored) : colored_(colored) {}

  void set_detail(LogDetail detail) { detail_ = detail; }

  // Prints one line of a server's log, unless the chosen detail leaves it out:
  //     0.183s  node 2  term 1  leader     became_leader votes=2
  // A line that is no event of Raft is printed as it came.
  void print(std::uint64_t server, std::string_view line);

  // Prints an answer to a command, or something of the demo's own: from the beginning of a line.
  static void answer(std::string_view text);

 private:
  bool colored_;
  LogDetail detail_ = LogDetail::normal;
  TimePoint start_ = now();
};

// One log line, taken apart. Views into the line.
struct LogLine {
  double seconds = 0;
  std::string_view level;  // empty for a line that is not from a log: a failed check, say
  std::string_view term;
  std::string_view role;
  std::string_view event;
  std::string details;  // the pairs that are left, with a blank between them
};

// Reads `12.350123 info task=main node=2 term=7 role=leader event=became_leader votes=2`.
//   Returns    whether the line is an event of Raft.
[[nodiscard]] bool parse_log_line(std::string_view text, LogLine& line);

}  // namespace coracle::demo
