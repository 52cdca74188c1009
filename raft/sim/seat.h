// One server's place in a simulated cluster: its host, what it is started with, and, while it
// lives, its node. Mechanism of RaftCluster.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "raft/node.h"
#include "raft/sim/cluster.h"
#include "raft/sim/durable_record.h"
#include "raft/sim/invariants.h"
#include "raft/sim/wire_tap.h"
#include "runtime/sim/host.h"
#include "runtime/task.h"

namespace coracle::raft::sim {

inline constexpr ClusterId kCluster = 1;
inline constexpr std::uint16_t kPort = 7000;

class Seat {
 public:
  Seat(RaftCluster& cluster, ServerId server, coracle::sim::Host& on);
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // Starts its process for the first time.
  void start();

  // Returns    how the invariants see it.
  //   Requires   node != nullptr.
  [[nodiscard]] View view() const;

  RaftCluster& cluster;
  const ServerId id;
  coracle::sim::Host& host;
  const DurableRecord disk;
  Options options;
  Configuration configuration;
  std::map<ServerId, net::Address> peers;
  std::optional<HardState> given_hard_state;  // on its disk, from a life before the first
  std::vector<Term> given_log;
  std::deque<Duration> timeouts;  // that it draws next
  bool started = false;
  const Node* node = nullptr;          // while there is one
  WireTap* tap = nullptr;              // the same
  ClientDesk* desk = nullptr;          // the same
  const ReplicatedMap* map = nullptr;  // the same
  Identity identity;                   // of its last life
  LogIndex committed = 0;              // in this life, when last looked at
  DrawnTimeouts drawn;                 // the last ones
  std::optional<EventKind> crashes_at;
  bool crashes_machine = false;

 private:
  class Life;
  class Machine;

  Task<> serve();
  [[nodiscard]] Duration draw_timeout(Random& random, const Timing& timing);

  Duration shortest_drawn_{};
  Duration longest_drawn_{};
};

}  // namespace coracle::raft::sim
