// What `coracle simulate` is asked for, and how a worker of it is told.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "raft/sim/fault_plan.h"
#include "runtime/time.h"

namespace coracle::demo {

class SimulateFlags {
 public:
  // Adds the flags.
  //   Borrows    this object as long as `app`.
  void add_to(CLI::App& app);

  // Reads what flags of our own forms say.
  //   Throws     CLI::ValidationError.
  void check();

  // Returns    the plan for a seed.
  [[nodiscard]] raft::sim::RunPlan plan(std::uint64_t plan_seed) const;

  // Returns    the arguments that make a worker run these seeds, without those faults.
  [[nodiscard]] std::vector<std::string> worker(std::uint64_t first, std::uint64_t count,
                                                const std::set<std::size_t>& without) const;
  // Returns    the command that runs one seed again.
  [[nodiscard]] std::string command(std::uint64_t of_seed) const;

  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::uint64_t jobs = 0;
  std::string trace;
  std::string history;
  bool shrinks = false;
  bool is_worker = false;
  bool traces = false;   // a worker: to its standard output
  bool records = false;  // the same for what clients saw

 private:
  [[nodiscard]] std::vector<std::string> shared(std::uint64_t of_seed) const;

  std::uint64_t nodes_ = 0;  // 0: as the seed says
  Duration time_ = std::chrono::seconds(60);
  double operations_ = 20;  // per second
  std::string faults_ = "all";
  std::vector<std::size_t> without_;
  std::set<raft::sim::FaultKind> kinds_;
};

}  // namespace coracle::demo
