// What UDP sockets do, in plain coroutines: the same scenarios run on the real back end and on two
// simulated hosts. How scenarios are run: streams.h.
#pragma once

#include <span>

#include "tests/conformance/streams.h"

namespace coracle::conformance {

// Both parts keep to what is promised everywhere: datagrams sent at once may arrive in any order.
[[nodiscard]] std::span<const Scenario> datagram_scenarios();

}  // namespace coracle::conformance
