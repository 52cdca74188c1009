// What a file holds: as programs see it, as it is durable, and what happened in between. Mechanism
// of Disk, which says what the rules are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/random.h"
#include "runtime/sim/disk_image.h"
#include "runtime/sim/disk_ranges.h"

namespace coracle::sim {

// One write or change of size that is not synced.
struct ContentChange {
  std::uint64_t first = 0;              // the sector that is the first of these
  std::vector<SectorRef> sectors = {};  // as it left them, whole
  std::uint64_t size = 0;               // of the file, after it
  bool cuts = false;                    // what lay behind the size
};

class FileContent {
 public:
  [[nodiscard]] const Image& cached() const { return cached_; }
  [[nodiscard]] const Image& durable() const { return durable_; }
  [[nodiscard]] const SectorRanges& room() const { return room_; }

  void write(std::span<const std::byte> bytes, std::uint64_t offset);
  void resize(std::uint64_t bytes);
  // Gives these bytes room, and grows to hold them.
  void allocate(std::uint64_t offset, std::uint64_t length);

  // Makes it durable as it is. Costs as much as what was not synced.
  void sync();
  // A sync that fails: what it leaves on the disk is all that ever comes there of what was not
  // synced.
  void fail_sync(Random& random);
  // The power goes; the cache with it.
  //   Returns    what was kept of what was not synced: "none", "all", "first", "sectors"; nothing
  //              if all was synced.
  std::string_view lose_power(Random& random);

  void flip_bit(std::uint64_t byte, unsigned bit);

 private:
  void record(ContentChange change);
  void forget_unsynced();

  Image cached_;
  Image durable_;
  std::deque<ContentChange> unsynced_;  // what leads from durable_ to cached_, unless a sync failed
  std::uint64_t unsynced_sectors_ = 0;
  SectorRanges room_;
};

}  // namespace coracle::sim
