// A scenario on a simulated disk, run with many seeds: which outcomes are there?
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "tests/runtime/sim/disk_user.h"

namespace coracle::sim {

inline constexpr std::uint64_t kSeeds = 300;

// Runs a scenario with many seeds.
//   Returns    how often each outcome was drawn.
template <class Scenario>
std::map<std::string, int> outcomes_of(Scenario scenario, std::uint64_t seeds = kSeeds) {
  std::map<std::string, int> outcomes;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Random random(seed);
    Disk disk(random);
    DiskUser user(disk);
    ++outcomes[scenario(disk, user)];
  }
  return outcomes;
}

inline std::set<std::string> keys(const std::map<std::string, int>& outcomes) {
  std::set<std::string> keys;
  for (const auto& [key, count] : outcomes) keys.insert(key);
  return keys;
}

inline std::string content_of(const Disk& disk, const std::string& path) {
  return disk.read_file(path).value_or("(gone)");
}

}  // namespace coracle::sim
