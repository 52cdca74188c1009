// One process of `coracle simulate`: runs seeds, one after the other.
#pragma once

#include "apps/simulate_flags.h"

namespace coracle::demo {

// How a worker tells of a seed on its standard output, before and after it. What it says of a
// failed check goes to its standard error, and ends it.
inline constexpr std::string_view kSeedBegins = "begins ";
inline constexpr std::string_view kSeedPassed = "passed ";
inline constexpr std::string_view kSeedFailed = "failed ";    // the seed, a blank, and why
inline constexpr std::string_view kSeedDetail = "detail ";    // before it: more of the reason
inline constexpr std::string_view kOperation = "operation ";  // of a client, as JSON

void run_worker(const SimulateFlags& flags);

}  // namespace coracle::demo
