// The servers of the demo, and what is asked of them together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/demo_server.h"
#include "apps/members_flag.h"

namespace coracle::demo {

// Who leads, as a majority of the servers that are up sees it.
struct LeaderView {
  std::uint64_t leader = 0;
  std::uint64_t term = 0;
};

class DemoCluster {
 public:
  // `program` is the path of `coracle`, `number` that of the cluster, `timing` are the arguments of
  // TimingFlags; each server keeps its data in a directory of its own below `directory`.
  //   Borrows    `log` for its own life.
  DemoCluster(const std::string& program, std::uint64_t number, const Members& members,
              const std::vector<std::string>& timing, const std::string& directory, DemoLog& log);

  [[nodiscard]] const std::vector<std::unique_ptr<DemoServer>>& servers() const { return servers_; }

  // Returns    where they listen.
  [[nodiscard]] std::vector<net::Address> addresses() const;

  // Returns    the server of that number; nullptr if there is none.
  [[nodiscard]] DemoServer* find(std::uint64_t id) const;

  // Ends all processes, and returns once they are gone: then nobody writes into the directory.
  //   Requires   that the groups have ended that servers were started in.
  [[nodiscard]] Task<> bury();

  // Asks all servers at once.
  //   Returns    for each, in order, what it answered; nothing for one that is not up or silent.
  [[nodiscard]] Task<std::vector<std::optional<ServerStatus>>> ask_all();

  // Asks all servers who leads.
  //   Returns    nothing unless a majority of the servers that are up names one that is up and
  //              says the same of itself, in one term.
  [[nodiscard]] Task<std::optional<LeaderView>> find_leader();

  // Asks until there is a leader.
  //   Returns    nothing when `timeout` passed before.
  [[nodiscard]] Task<std::optional<LeaderView>> wait_leader(Duration timeout);

 private:
  [[nodiscard]] Task<LeaderView> keep_asking();

  Condition news_;
  std::vector<std::unique_ptr<DemoServer>> servers_;
};

// Returns    that many free ports of loopback, as members 1, 2, ...
//   Throws     Error when there are none.
[[nodiscard]] Members free_members(std::uint64_t count);

}  // namespace coracle::demo
