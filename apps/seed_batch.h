// A worker process of `coracle simulate`, as its parent sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "apps/simulate_flags.h"
#include "runtime/task.h"

namespace coracle::demo {

// How one seed ended.
struct SeedResult {
  std::uint64_t seed = 0;
  std::string failure;  // in one line; empty if it passed
  std::string details;  // the rest of it: what a failed check said, or what clients saw
};

// What a batch tells on the way.
struct BatchListener {
  std::function<void(const SeedResult&)> ended;    // of each seed
  std::function<void(std::string_view)> traced;    // each line of a trace, if one is asked for
  std::function<void(std::string_view)> operated;  // each operation of a client, the same
};

// Runs seeds in a process of their own; where that dies of one, the next goes on in another.
//   Throws     Error when there can be no process.
//   Canceled   ends the process.
//   Borrows    all but the numbers until it returns.
[[nodiscard]] Task<> run_batch(const SimulateFlags& flags, std::uint64_t first, std::uint64_t count,
                               const std::set<std::size_t>& without, const BatchListener& listener);

}  // namespace coracle::demo
