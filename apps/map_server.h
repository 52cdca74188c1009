// One server of a cluster that replicates a map: what `coracle serve` runs.
#pragma once

#include <cstdint>
#include <string>

#include "apps/members_flag.h"
#include "raft/options.h"
#include "runtime/task.h"

namespace coracle::demo {

struct MapServerSetup {
  std::uint64_t id = 0;
  std::uint64_t cluster = 1;
  Members members;   // all servers, this one included
  std::string data;  // its directory
  raft::Options options{};
};

// Takes part in the cluster, and answers clients (map_messages.h), `status` and `tasks`.
//   Returns    never.
//   Throws     Error when its disk or its listener fails.
//   Canceled   ends the server, then throws.
//   Requires   `id` among the members; valid options.
[[nodiscard]] Task<> run_map_server(MapServerSetup setup);

}  // namespace coracle::demo
