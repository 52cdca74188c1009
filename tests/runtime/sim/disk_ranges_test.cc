// The ranges of sectors that have room, against a plain list of all sectors.
#include "runtime/sim/disk_ranges.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace coracle::sim {
namespace {

constexpr std::uint64_t kSectors = 24;

std::uint64_t count_missing(const std::vector<bool>& room, std::uint64_t begin, std::uint64_t end) {
  const auto first = room.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = room.begin() + static_cast<std::ptrdiff_t>(end);
  return static_cast<std::uint64_t>(std::count(first, last, false));
}

void check_all(const SectorRanges& ranges, const std::vector<bool>& room) {
  RC_ASSERT(ranges.count() == kSectors - count_missing(room, 0, kSectors));
  for (std::uint64_t begin = 0; begin < kSectors; ++begin) {
    for (std::uint64_t end = begin; end <= kSectors; ++end) {
      RC_ASSERT(ranges.missing(begin, end) == count_missing(room, begin, end));
    }
    for (std::uint64_t left = 0; left < 4; ++left) {
      const std::uint64_t fitting = ranges.fitting(begin, kSectors, left);
      RC_ASSERT(count_missing(room, begin, begin + fitting) <= left);
      const bool all = begin + fitting == kSectors;
      RC_ASSERT(all || count_missing(room, begin, begin + fitting + 1) > left);
    }
  }
}

RC_GTEST_PROP(SectorRanges, AreWhatWasAddedAndNotCut, ()) {
  using Step = std::tuple<bool, std::uint64_t, std::uint64_t>;  // cuts, begin, length
  const auto any_step = rc::gen::tuple(rc::gen::weightedElement<bool>({{4, false}, {1, true}}),
                                       rc::gen::inRange<std::uint64_t>(0, kSectors),
                                       rc::gen::inRange<std::uint64_t>(0, 8));
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step);
  SectorRanges ranges;
  std::vector<bool> room(kSectors, false);
  for (const auto& [cuts, begin, length] : steps) {
    const std::uint64_t end = cuts ? kSectors : std::min(begin + length, kSectors);
    cuts ? ranges.cut(begin) : ranges.add(begin, end);
    for (std::uint64_t sector = begin; sector < end; ++sector) {
      room[static_cast<std::size_t>(sector)] = !cuts;
    }
    check_all(ranges, room);
  }
}

}  // namespace
}  // namespace coracle::sim
