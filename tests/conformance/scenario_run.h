// Runs the two parts of a scenario: on the real back end, or on simulated hosts.
#pragma once

#include <cstdint>

#include "net/sim/network.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {

// Both parts in one loop. `transport` is what Meeting::listen() gives.
void run_in_reality(const Scenario& scenario, net::Transport transport = net::Transport::tcp);

// How many machines the parts run on: one process on one, or a process each on two.
enum class Hosts : std::uint8_t { one, two };

struct SimulatedRun {
  std::uint64_t seed = 1;
  Hosts hosts = Hosts::two;
  net::Transport transport = net::Transport::tcp;
  net::sim::Link link{};
};

// Failures are GoogleTest's. At the end nothing is left in any kernel, once the last orphaned
// connection has gone.
void run_simulated(const Scenario& scenario, const SimulatedRun& how);

}  // namespace coracle::conformance
