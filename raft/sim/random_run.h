// Plays a plan of faults (fault_plan.h) against a cluster, in two phases: while faults come and go,
// what must always hold is checked; then all is healed, and the cluster must agree on a leader, and
// keep it. A violated invariant fails a check; a missing leader is a result.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "raft/sim/cluster.h"
#include "raft/sim/fault_plan.h"
#include "raft/sim/map_clients.h"

namespace coracle::raft::sim {

class RandomRun {
 public:
  // Borrows the plan.
  explicit RandomRun(const RunPlan& plan);

  // Runs both phases.
  //   Returns    nothing if all went well, else one sentence on what did not.
  [[nodiscard]] std::string run();

  [[nodiscard]] RaftCluster& cluster() { return cluster_; }
  // Returns    what clients did and saw; nothing if there are none.
  [[nodiscard]] const History* history() const { return clients_ ? &clients_->history() : nullptr; }

 private:
  void begin(const Fault& fault);
  void end(const Fault& fault);
  void begin_on_clock(const Fault& fault);
  void begin_on_disk(const Fault& fault);
  void begin_on_wire(const Fault& fault);
  void end_on_wire(const Fault& fault);
  void flip(const Fault& fault);
  void restart_if_down(ServerId server);
  void heal();

  [[nodiscard]] std::string check_agreement();
  [[nodiscard]] std::string check_progress();
  [[nodiscard]] std::string check_clients();
  [[nodiscard]] ServerId leader_of_a_majority() const;
  [[nodiscard]] std::vector<ServerId> healthy() const;
  [[nodiscard]] std::string describe() const;

  const RunPlan& plan_;
  RaftCluster cluster_;
  std::optional<MapClients> clients_;
  std::set<ServerId> damaged_;
};

}  // namespace coracle::raft::sim
