// What a server of the demo says of itself, over RPC (method `status`).
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "net/address.h"
#include "net/rpc_client.h"
#include "runtime/task.h"

namespace coracle::demo {

struct ServerStatus {
  std::uint64_t id = 0;
  std::string role;  // follower, candidate, leader or pre-candidate
  std::uint64_t term = 0;
  std::uint64_t leader = 0;  // 0: none known
  std::uint64_t vote = 0;    // 0: none in this term
  std::uint64_t commit_index = 0;
  std::uint64_t last_index = 0;
  std::uint64_t applied_index = 0;

  static auto fields(auto& self) {
    return std::tie(self.id, self.role, self.term, self.leader, self.vote, self.commit_index,
                    self.last_index, self.applied_index);
  }
};

// Returns    `role=leader term=3 leader=2`, with `leader=none` where none is known.
[[nodiscard]] std::string describe(const ServerStatus& status);
// Returns    everything, of which `node=1` comes first.
[[nodiscard]] std::string describe_all(const ServerStatus& status);

// Asks one server.
//   Throws     Error when it does not answer within `timeout`.
[[nodiscard]] Task<ServerStatus> ask_status(net::Address server, Duration timeout);

// Returns    the server's tree of tasks, as dump_tasks() prints it (method `tasks`).
//   Throws     Error when it does not answer within `timeout`.
[[nodiscard]] Task<std::string> ask_tasks(net::Address server, Duration timeout);

}  // namespace coracle::demo
