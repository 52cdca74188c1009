// A random run of a cluster, as plain data: all of it is drawn from the seed before anything runs,
// so that faults can be left out one by one while the rest stays what it was.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/options.h"
#include "raft/types.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

enum class FaultKind : std::uint8_t {
  crash,        // of a process
  machine,      // a machine loses power
  pause,        // a process is stopped
  clock,        // goes wrong, stands, or jumps; or the time of day is set
  partition,    // cables between two sides
  cut,          // single cables, also one way
  connections,  // reset, or refused by a firewall
  links,        // slow, lossy, duplicating
  messages,     // some are lost, late or repeated
  disk,         // slow, hanging, full, or failing once
  flip,         // one bit of a record that has a copy
  damage,       // a failed datasync: that server stops for good
};
inline constexpr std::size_t kFaultKinds = 12;

[[nodiscard]] std::string_view to_string(FaultKind kind);
// Reads `all`, `none`, or names with commas between them.
//   Returns    nothing if there is a name that is none.
[[nodiscard]] std::optional<std::set<FaultKind>> parse_fault_kinds(std::string_view text);
// Returns    what parse_fault_kinds() reads.
[[nodiscard]] std::string print_fault_kinds(const std::set<FaultKind>& kinds);

// One fault, from when to when; what `server`, `cables`, `variant` and `amount` mean depends on the
// kind.
struct Fault {
  Duration at{};
  Duration lasts{};
  FaultKind kind = FaultKind::crash;
  ServerId server = kNobody;
  std::vector<std::pair<ServerId, ServerId>> cables;  // each one way
  std::uint64_t variant = 0;
  std::uint64_t amount = 0;

  // Returns    "12.345s crash s2 for 1.5s".
  [[nodiscard]] std::string to_text() const;
};

struct RandomSetup {
  std::uint64_t seed = 1;
  std::size_t servers = 3;
  Duration time = std::chrono::seconds(60);  // of the first phase
  std::set<FaultKind> kinds;
  double operations_per_second = 20;  // at most; 0 for no clients
};

struct RunPlan {
  std::uint64_t seed = 1;
  std::size_t servers = 3;
  Duration time{};
  Options options;
  std::size_t clients = 0;
  double operations_per_second = 0;  // of all clients together
  std::vector<Fault> faults;         // in the order of their beginnings
  // Cables that stay cut in the second phase; a majority of the servers reach each other.
  std::vector<std::pair<ServerId, ServerId>> cut_for_good;
};

// Draws it. Servers that a fault damages are never more than a minority.
[[nodiscard]] RunPlan draw_plan(const RandomSetup& setup);

// Returns    how many servers run in the run of a seed, unless one says: 3, 5 or 7.
[[nodiscard]] std::size_t servers_of_seed(std::uint64_t seed);

}  // namespace coracle::raft::sim
