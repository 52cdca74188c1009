#include "runtime/sim/disk_ranges.h"

#include <algorithm>
#include <iterator>

namespace coracle::sim {

std::uint64_t SectorRanges::missing(std::uint64_t begin, std::uint64_t end) const {
  std::uint64_t missing = end - begin;
  auto range = ends_.upper_bound(begin);
  if (range != ends_.begin()) --range;
  for (; range != ends_.end() && range->first < end; ++range) {
    const std::uint64_t from = std::max(begin, range->first);
    const std::uint64_t to = std::min(end, range->second);
    if (from < to) missing -= to - from;
  }
  return missing;
}

std::uint64_t SectorRanges::fitting(std::uint64_t begin, std::uint64_t end,
                                    std::uint64_t room) const {
  if (missing(begin, end) <= room) return end - begin;
  std::uint64_t low = 0;
  std::uint64_t high = end - begin;
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    if (missing(begin, begin + middle) <= room) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

void SectorRanges::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  count_ += missing(begin, end);
  auto range = ends_.upper_bound(begin);
  if (range != ends_.begin() && std::prev(range)->second >= begin) --range;
  while (range != ends_.end() && range->first <= end) {
    begin = std::min(begin, range->first);
    end = std::max(end, range->second);
    range = ends_.erase(range);
  }
  ends_.emplace(begin, end);
}

void SectorRanges::cut(std::uint64_t begin) {
  while (!ends_.empty() && std::prev(ends_.end())->second > begin) {
    const auto last = std::prev(ends_.end());
    count_ -= last->second - std::max(begin, last->first);
    if (last->first >= begin) {
      ends_.erase(last);
    } else {
      last->second = begin;
    }
  }
}

}  // namespace coracle::sim
