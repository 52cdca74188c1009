// What TCP streams do, in plain coroutines: the same scenarios run on the real back end and on two
// simulated hosts, so that the simulated kernel behaves as the real one.
#pragma once

#include <optional>
#include <span>

#include "net/address.h"
#include "runtime/sleep.h"
#include "runtime/task.h"

namespace coracle::conformance {

// What the two parts of a scenario know of each other. They may run in different loops, so they
// look at it again and again.
struct Meeting {
  net::Address bind;                    // where the server listens, with port 0
  std::optional<net::Address> address;  // where it does listen
  int step = 0;

  Task<> reached(int awaited) const {
    while (step < awaited) co_await sleep_for(std::chrono::microseconds(200));
  }
  Task<net::Address> listening() const {
    while (!address) co_await sleep_for(std::chrono::microseconds(200));
    co_return *address;
  }
};

struct Scenario {
  const char* name;
  Task<> (*serve)(Meeting&);
  Task<> (*connect)(Meeting&);
};

// Data and errors; what becomes of what was written; and the others: connecting, accepting, RPC.
[[nodiscard]] std::span<const Scenario> stream_scenarios();
[[nodiscard]] std::span<const Scenario> sending_scenarios();
[[nodiscard]] std::span<const Scenario> connection_scenarios();

}  // namespace coracle::conformance
