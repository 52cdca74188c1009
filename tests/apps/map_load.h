// Clients that write and read the map while a cluster is tormented, real or simulated, and what
// they saw of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/map_client.h"
#include "net/address.h"
#include "raft/sim/history.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle::demo {

// One of them: it does one operation after the other.
struct LoadClient {
  std::uint64_t number = 0;
  std::vector<net::Address> servers{};
  MapClientOptions options{};
  Duration pause{};  // on the average, between two operations
  bool only_reads = false;
};

// Returns    six clients of different manners: one that often gives up, one whose sessions expire,
//            two that only read. Each asks another server first.
[[nodiscard]] std::vector<LoadClient> all_manners(const std::vector<net::Address>& servers,
                                                  Duration pause);

// All clients together. Keys change as time passes, so that each has a history that can be judged;
// one in each period is appended to only, with texts that never come twice.
class MapLoad {
 public:
  // Reads and writes until stop().
  //   Borrows    this object until it returns.
  [[nodiscard]] Task<> run(LoadClient client);
  void stop() { stopped_ = true; }

  // Reads every key through each server.
  //   Throws     TimedOut when a server does not answer.
  [[nodiscard]] Task<> read_all(std::vector<net::Address> servers);

  [[nodiscard]] const raft::sim::History& history() const { return history_; }
  // Returns    how many operations had this outcome.
  [[nodiscard]] std::size_t count(raft::sim::OperationOutcome outcome) const;
  // Returns    how many writes were acknowledged, of those that were asked for at `since` or later.
  [[nodiscard]] std::size_t acknowledged_writes(TimePoint since = {}) const;

  // Judges what was seen.
  //   Returns    nothing if one order of all operations explains it, and every append that was
  //              acknowledged is there once in the end; else what cannot be explained.
  [[nodiscard]] std::string verdict() const;

 private:
  struct Life;

  [[nodiscard]] raft::MapCommand draw(Life& life);
  Task<> operate(Life& life);
  Task<> do_read(Life& life, std::string key);
  Task<> do_write(Life& life, raft::MapCommand command);

  raft::sim::History history_;
  std::uint64_t drawn_ = 0;
  bool stopped_ = false;
};

}  // namespace coracle::demo
