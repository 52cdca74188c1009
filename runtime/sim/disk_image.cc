#include "runtime/sim/disk_image.h"

#include <algorithm>
#include <utility>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

constexpr std::byte kZero{0};

}  // namespace

void Image::set_size(std::uint64_t bytes) {
  size_ = bytes;
  sectors_.erase(sectors_.lower_bound(sectors_of(bytes)), sectors_.end());
  const std::uint64_t kept = bytes % kSectorBytes;
  if (kept == 0) return;
  const auto last = sectors_.find(bytes / kSectorBytes);
  if (last == sectors_.end()) return;
  const auto behind = static_cast<std::ptrdiff_t>(kept);
  const Sector& version = *last->second;
  if (std::all_of(version.begin() + behind, version.end(),
                  [](std::byte byte) { return byte == kZero; })) {
    return;
  }
  auto cut = std::make_shared<Sector>(version);
  std::fill(cut->begin() + behind, cut->end(), kZero);
  last->second = std::move(cut);
}

SectorRef Image::sector(std::uint64_t index) const {
  const auto found = sectors_.find(index);
  return found == sectors_.end() ? nullptr : found->second;
}

void Image::put(std::uint64_t index, SectorRef version) {
  if (version == nullptr) {
    sectors_.erase(index);
  } else {
    sectors_.insert_or_assign(index, std::move(version));
  }
}

std::size_t Image::read(std::span<std::byte> into, std::uint64_t offset) const {
  if (offset >= size_) return 0;
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset)));
  std::fill(into.begin(), into.end(), kZero);
  if (into.empty()) return 0;
  const std::uint64_t end = offset + into.size();
  auto at = sectors_.lower_bound(offset / kSectorBytes);
  for (; at != sectors_.end() && at->first * kSectorBytes < end; ++at) {
    const std::uint64_t begin = at->first * kSectorBytes;
    const std::uint64_t from = std::max(offset, begin);
    const std::uint64_t to = std::min(end, begin + kSectorBytes);
    const std::byte* first = at->second->data() + (from - begin);
    std::copy_n(first, to - from, into.data() + (from - offset));
  }
  return into.size();
}

std::string Image::text() const {
  std::string text(static_cast<std::size_t>(size_), '\0');
  static_cast<void>(read(std::as_writable_bytes(std::span(text)), 0));
  return text;
}

void Image::flip_bit(std::uint64_t byte, unsigned bit) {
  CORACLE_CHECK(byte < size_, "a bit is flipped in a byte that is there");
  const std::uint64_t index = byte / kSectorBytes;
  put(index, flipped(sector(index), byte % kSectorBytes, bit));
}

SectorRef flipped(const SectorRef& version, std::uint64_t byte, unsigned bit) {
  CORACLE_CHECK(bit < 8, "a byte has eight bits");
  auto copy = version == nullptr ? std::make_shared<Sector>() : std::make_shared<Sector>(*version);
  (*copy)[static_cast<std::size_t>(byte)] ^= std::byte{1} << bit;
  return copy;
}

}  // namespace coracle::sim
