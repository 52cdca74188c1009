// Which sectors of a file have room on the disk: written or allocated. Mechanism of Disk.
#pragma once

#include <cstdint>
#include <map>

namespace coracle::sim {

class SectorRanges {
 public:
  // Returns    how many sectors have room.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // Returns    how many of [begin, end) have none.
  [[nodiscard]] std::uint64_t missing(std::uint64_t begin, std::uint64_t end) const;
  // Returns    the largest number n for which missing(begin, begin + n) <= room, at most
  //            end - begin.
  [[nodiscard]] std::uint64_t fitting(std::uint64_t begin, std::uint64_t end,
                                      std::uint64_t room) const;
  // Gives [begin, end) room.
  void add(std::uint64_t begin, std::uint64_t end);
  // Takes it from all sectors from `begin` on.
  void cut(std::uint64_t begin);

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // of each range, by its begin; none touch
  std::uint64_t count_ = 0;
};

}  // namespace coracle::sim
