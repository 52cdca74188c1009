#include "raft/hard_state.h"

#include <xxhash.h>

#include <optional>

#include "raft/little_endian.h"

namespace coracle::raft {
namespace {

constexpr std::uint64_t kMagic = 0x56454C4341524F43U;  // "CORACLEV"
constexpr std::uint64_t kFormat = 2;
constexpr std::size_t kChecked = kSlotBytes - 8;  // and then the checksum

void put(std::span<std::byte> out, std::size_t word, std::uint64_t value) {
  put_little_endian(out, word * 8, value);
}

std::uint64_t get(std::span<const std::byte> in, std::size_t word) {
  return get_little_endian<std::uint64_t>(in, word * 8);
}

HardStateRecord record_of(std::span<const std::byte> slot) {
  return {.identity = {.cluster = get(slot, 2),
                       .self = get(slot, 3),
                       .incarnation = {.directory = get(slot, 4), .start = get(slot, 5)}},
          .hard_state = {.term = get(slot, 8), .vote = get(slot, 9)},
          .change = get(slot, 6),
          .saved = get(slot, 7),
          .log = {.made = get(slot, 10) != 0, .change = get(slot, 11)}};
}

void put_record(std::span<std::byte> slot, const HardStateRecord& record) {
  const Identity& identity = record.identity;
  const std::array<std::uint64_t, 12> words = {kMagic,
                                               kFormat,
                                               identity.cluster,
                                               identity.self,
                                               identity.incarnation.directory,
                                               identity.incarnation.start,
                                               record.change,
                                               record.saved,
                                               record.hard_state.term,
                                               record.hard_state.vote,
                                               record.log.made ? 1U : 0U,
                                               record.log.change};
  for (std::size_t word = 0; word < words.size(); ++word) put(slot, word, words[word]);
  put(slot, kChecked / 8, XXH3_64bits(slot.data(), kChecked));
}

bool is_intact(std::span<const std::byte> slot) {
  return get(slot, 0) == kMagic && get(slot, kChecked / 8) == XXH3_64bits(slot.data(), kChecked);
}

std::vector<std::byte> copies_of(const HardStateRecord& record, std::size_t slots) {
  std::vector<std::byte> bytes(slots * kSlotBytes);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    put_record(std::span(bytes).subspan(slot * kSlotBytes, kSlotBytes), record);
  }
  return bytes;
}

std::string at_byte(std::size_t offset) {
  return "the record at byte " + std::to_string(offset) + " of hard_state";
}

// Returns why a record that is intact is not for this server; empty if it is.
std::string mismatch(const HardStateRecord& record, ClusterId cluster, ServerId self) {
  const Identity& found = record.identity;
  if (found.cluster != cluster) {
    return "this directory belongs to cluster " + std::to_string(found.cluster) +
           ", not to cluster " + std::to_string(cluster);
  }
  if (found.self != self) {
    return "this directory belongs to server " + std::to_string(found.self) + ", not to server " +
           std::to_string(self);
  }
  return {};
}

}  // namespace

SlotWrite first_write(const HardStateRecord& record) {
  return {.offset = 0, .bytes = copies_of(record, kSlots)};
}

SlotWrite save_write(const HardStateRecord& record) {
  return {.offset = record.saved % 2 * kPairBytes, .bytes = copies_of(record, 2)};
}

std::array<SlotWrite, 2> rewrites(const ReadHardState& found) {
  const std::size_t intact = found.slot;
  const std::size_t copy = intact ^ 1U;
  return {SlotWrite{.offset = copy * kSlotBytes, .bytes = copies_of(found.record, 1)},
          SlotWrite{.offset = intact * kSlotBytes, .bytes = copies_of(found.record, 1)}};
}

ReadHardState read_hard_state(std::span<const std::byte> file, ClusterId cluster, ServerId self) {
  ReadHardState result;
  if (file.size() != kHardStateFileBytes) {
    result.refusal = "hard_state has " + std::to_string(file.size()) + " bytes instead of " +
                     std::to_string(kHardStateFileBytes) + ": it was cut or replaced";
    return result;
  }
  std::optional<HardStateRecord> newest;
  for (std::size_t offset = 0; offset < file.size(); offset += kSlotBytes) {
    const std::span<const std::byte> slot = file.subspan(offset, kSlotBytes);
    if (!is_intact(slot)) {
      result.damages.push_back(at_byte(offset) + " is damaged, or was cut off by a crash");
    } else if (get(slot, 1) != kFormat) {
      result.refusal = at_byte(offset) + " is of format " + std::to_string(get(slot, 1)) +
                       ", this program knows format " + std::to_string(kFormat);
      return result;
    } else if (!newest || newest->saved < record_of(slot).saved) {
      newest = record_of(slot);
      result.slot = offset / kSlotBytes;
    }
  }
  if (!newest) {
    result.refusal = "no record of hard_state is intact";
    for (const std::string& damage : result.damages) result.refusal += "; " + damage;
    result.refusal +=
        ". Without it this server could vote twice in a term: remove it from the "
        "cluster, and add it again under a new id";
    return result;
  }
  result.record = *newest;
  result.refusal = mismatch(*newest, cluster, self);
  return result;
}

}  // namespace coracle::raft
