#include "runtime/sim/disk_content.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

// A kernel writes back by itself what a program never syncs. So the oldest changes of a file become
// durable once it has more unsynced sectors than these.
constexpr std::uint64_t kUnsyncedSectorsMax = 32'768;

using Changes = std::deque<ContentChange>;

void carry_out(const ContentChange& change, Image& image) {
  if (change.cuts) image.set_size(change.size);
  for (std::size_t i = 0; i < change.sectors.size(); ++i) {
    image.put(change.first + i, change.sectors[i]);
  }
  image.set_size(change.size);
}

void keep_all(const Changes& changes, Image& image) {
  for (const ContentChange& change : changes) carry_out(change, image);
}

// The first few changes, and of the next, if it is a write, its first sectors.
void keep_first(const Changes& changes, Image& image, Random& random) {
  const std::uint64_t whole = random.below(changes.size() + 1);
  for (std::size_t i = 0; i < whole; ++i) carry_out(changes[i], image);
  if (whole == changes.size()) return;
  const ContentChange& torn = changes[whole];
  if (torn.cuts) return;
  const std::uint64_t sectors = random.below(torn.sectors.size() + 1);
  if (sectors == 0) return;
  for (std::size_t i = 0; i < sectors; ++i) image.put(torn.first + i, torn.sectors[i]);
  const std::uint64_t written = std::min(torn.size, (torn.first + sectors) * kSectorBytes);
  image.set_size(std::max(image.size(), written));
}

// Cuts stay in order: of those that survive come all before the others, and what was written after
// one that does not survive is lost with it.
//   Returns    how many of `changes` can have left something.
std::size_t draw_surviving_cuts(const Changes& changes, Random& random) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].cuts) ends.push_back(i);
  }
  ends.push_back(changes.size());
  const std::uint64_t drawn = random.below(ends.size());
  return ends[drawn];
}

// What may be found in a file: in each sector what one of the writes left there or what was there
// before, and one of the sizes; the oldest stand first.
struct Versions {
  std::map<std::uint64_t, std::vector<SectorRef>> sectors;
  std::vector<std::uint64_t> sizes;
};

// Those of the first `count` changes, of which all cuts survive: `image` is cut.
Versions versions_after(const Changes& changes, std::size_t count, Image& image) {
  Versions versions{.sectors = {}, .sizes = {image.size()}};
  for (std::size_t i = 0; i < count; ++i) {
    const ContentChange& change = changes[i];
    if (change.cuts) {
      carry_out(change, image);
      versions.sectors.erase(versions.sectors.lower_bound(change.size / kSectorBytes),
                             versions.sectors.end());
      versions.sizes.clear();
    } else {
      for (std::size_t k = 0; k < change.sectors.size(); ++k) {
        std::vector<SectorRef>& of_sector = versions.sectors[change.first + k];
        if (of_sector.empty()) of_sector.push_back(image.sector(change.first + k));
        of_sector.push_back(change.sectors[k]);
      }
    }
    versions.sizes.push_back(change.size);
  }
  return versions;
}

// Has `pick` choose each of them, by its number.
template <class Pick>
void keep_picked(const Versions& versions, Image& image, Pick pick) {
  for (const auto& [index, of_sector] : versions.sectors) {
    image.put(index, of_sector[pick(of_sector.size())]);
  }
  image.set_size(versions.sizes[pick(versions.sizes.size())]);
}

// Has a drawn part of `changes` come to the disk.
//   Returns    which.
std::string_view keep_some(const Changes& changes, Image& image, Random& random) {
  if (changes.empty()) return {};
  switch (random.below(4)) {
    case 0: return "none";
    case 1: keep_all(changes, image); return "all";
    case 2: keep_first(changes, image, random); return "first";
    default: break;
  }
  const std::size_t count = draw_surviving_cuts(changes, random);
  const Versions versions = versions_after(changes, count, image);
  keep_picked(versions, image, [&](std::size_t all) { return random.below(all); });
  return "sectors";
}

// The same when it is the sync that fails: what a journal holds, the cuts, is not lost by that.
void keep_what_was_written(const Changes& changes, Image& image, Random& random) {
  const Versions versions = versions_after(changes, changes.size(), image);
  switch (random.below(3)) {
    case 0: return keep_picked(versions, image, [](std::size_t) { return std::size_t{0}; });
    case 1: return keep_picked(versions, image, [](std::size_t all) { return all - 1; });
    default: keep_picked(versions, image, [&](std::size_t all) { return random.below(all); });
  }
}

}  // namespace

void FileContent::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (bytes.empty()) return;
  const std::uint64_t end = offset + bytes.size();
  ContentChange change{.first = offset / kSectorBytes, .size = std::max(cached_.size(), end)};
  change.sectors.reserve(sectors_of(end) - change.first);
  while (!bytes.empty()) {
    const std::uint64_t index = offset / kSectorBytes;
    const std::uint64_t within = offset % kSectorBytes;
    const std::size_t count =
        std::min(bytes.size(), static_cast<std::size_t>(kSectorBytes - within));
    const SectorRef before = cached_.sector(index);
    auto version =
        before == nullptr ? std::make_shared<Sector>() : std::make_shared<Sector>(*before);
    std::copy_n(bytes.begin(), count, version->begin() + static_cast<std::ptrdiff_t>(within));
    change.sectors.push_back(version);
    cached_.put(index, std::move(version));
    bytes = bytes.subspan(count);
    offset += count;
  }
  cached_.set_size(change.size);
  room_.add(change.first, change.first + change.sectors.size());
  record(std::move(change));
}

void FileContent::resize(std::uint64_t bytes) {
  if (bytes == cached_.size()) return;
  ContentChange change{
      .first = bytes / kSectorBytes, .size = bytes, .cuts = bytes < cached_.size()};
  cached_.set_size(bytes);
  if (change.cuts) {
    room_.cut(sectors_of(bytes));
    if (bytes % kSectorBytes != 0) change.sectors.push_back(cached_.sector(change.first));
  }
  record(std::move(change));
}

void FileContent::allocate(std::uint64_t offset, std::uint64_t length) {
  room_.add(offset / kSectorBytes, sectors_of(offset + length));
  if (offset + length > cached_.size()) resize(offset + length);
}

void FileContent::record(ContentChange change) {
  unsynced_sectors_ += change.sectors.size();
  unsynced_.push_back(std::move(change));
  while (unsynced_sectors_ > kUnsyncedSectorsMax) {
    carry_out(unsynced_.front(), durable_);
    unsynced_sectors_ -= unsynced_.front().sectors.size();
    unsynced_.pop_front();
  }
}

void FileContent::sync() {
  keep_all(unsynced_, durable_);
  forget_unsynced();
}

void FileContent::fail_sync(Random& random) {
  keep_what_was_written(unsynced_, durable_, random);
  forget_unsynced();
}

std::string_view FileContent::lose_power(Random& random) {
  const std::string_view kept = keep_some(unsynced_, durable_, random);
  forget_unsynced();
  cached_ = durable_;
  room_.cut(sectors_of(cached_.size()));
  return kept;
}

void FileContent::forget_unsynced() {
  unsynced_.clear();
  unsynced_sectors_ = 0;
}

void FileContent::flip_bit(std::uint64_t byte, unsigned bit) {
  cached_.flip_bit(byte, bit);
  if (byte < durable_.size()) durable_.flip_bit(byte, bit);
  const std::uint64_t index = byte / kSectorBytes;
  for (ContentChange& change : unsynced_) {
    if (index < change.first || index - change.first >= change.sectors.size()) continue;
    if (byte >= change.size) continue;
    SectorRef& version = change.sectors[static_cast<std::size_t>(index - change.first)];
    version = flipped(version, byte % kSectorBytes, bit);
  }
}

}  // namespace coracle::sim
