// The commands that `coracle demo` takes on standard input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/time.h"

namespace coracle::demo {

// Which server a command means: one by its number, or whoever leads.
struct WhichServer {
  std::optional<std::uint64_t> number;  // none: the leader
};

enum class LogDetail : std::uint8_t {
  quiet,   // answers only
  normal,  // what changes: elections, leaders, servers that come and go
  all,     // every event of every server
};

struct ShowStatus {};
struct WaitLeader {
  Duration timeout{};
};
struct KillServer {
  WhichServer which;
};
struct StartServer {
  std::uint64_t number = 0;
};
struct PauseServer {
  WhichServer which;
};
struct ResumeServer {
  std::uint64_t number = 0;
};
struct ShowTasks {
  std::uint64_t number = 0;
};
struct SetKey {
  std::string key;
  std::string value;
};
struct GetKey {
  std::string key;
};
struct DumpMap {};
struct SetLog {
  LogDetail detail = LogDetail::normal;
};
struct ShowHelp {};
struct Quit {};

// What is wrong with a line, as the user is told.
struct Misunderstood {
  std::string reason;
};

using DemoCommand =
    std::variant<ShowStatus, WaitLeader, KillServer, StartServer, PauseServer, ResumeServer,
                 ShowTasks, SetKey, GetKey, DumpMap, SetLog, ShowHelp, Quit, Misunderstood>;

// How long `wait-leader` waits if it is not told.
inline constexpr Duration kWaitLeaderTimeout = std::chrono::seconds(10);

// Reads one line; words are separated by blanks.
//   Returns    the command; nothing for an empty line or one that begins with `#`.
[[nodiscard]] std::optional<DemoCommand> parse_demo_command(std::string_view line);

// Returns    the commands, one per line, each with what it does.
[[nodiscard]] std::string_view demo_help();

}  // namespace coracle::demo
