// Bytes with holes, kept in sectors: a file as a disk or a cache holds it. Mechanism of Disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace coracle::sim {

// What a disk writes whole or not at all.
inline constexpr std::uint64_t kSectorBytes = 512;
using Sector = std::array<std::byte, kSectorBytes>;
// One version of a sector; null: zeros. It never changes, so all that hold this version share it.
using SectorRef = std::shared_ptr<const Sector>;

// Returns    how many sectors hold `bytes` bytes.
[[nodiscard]] constexpr std::uint64_t sectors_of(std::uint64_t bytes) {
  return bytes / kSectorBytes + (bytes % kSectorBytes == 0 ? 0 : 1);
}

// Returns    in how many sectors lie the `bytes` bytes from `offset` on.
//   Requires   bytes > 0.
[[nodiscard]] constexpr std::uint64_t sectors_touched(std::uint64_t offset, std::uint64_t bytes) {
  return sectors_of(offset + bytes) - offset / kSectorBytes;
}

class Image {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Grows, with zeros, or cuts off what is behind.
  void set_size(std::uint64_t bytes);

  [[nodiscard]] SectorRef sector(std::uint64_t index) const;
  // What it puts behind the size stays out of sight, and is gone with the next set_size().
  void put(std::uint64_t index, SectorRef version);

  // Returns    how many bytes were there to read.
  std::size_t read(std::span<std::byte> into, std::uint64_t offset) const;
  [[nodiscard]] std::string text() const;

  // Flips a bit, in a version of the sector that is new.
  //   Requires   byte < size().
  void flip_bit(std::uint64_t byte, unsigned bit);

 private:
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, SectorRef> sectors_;  // none is null
};

// Returns    that version with a bit of it flipped.
[[nodiscard]] SectorRef flipped(const SectorRef& version, std::uint64_t byte, unsigned bit);

}  // namespace coracle::sim
