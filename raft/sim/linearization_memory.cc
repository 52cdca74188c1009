#include "raft/sim/linearization_memory.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace coracle::raft::sim {
namespace {

// What an element of a hash table takes beside its own bytes: about.
constexpr std::size_t kElementBytes = 80;

}  // namespace

void TakenSet::insert(std::uint32_t number) {
  words_[number / 64] |= std::uint64_t{1} << (number % 64);
  ++size_;
  while (full_ < words_.size() && words_[full_] == UINT64_MAX) ++full_;
}

void TakenSet::erase(std::uint32_t number) {
  words_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
  --size_;
  full_ = std::min(full_, std::size_t{number / 64});
}

bool TakenSet::contains(std::uint32_t number) const {
  return ((words_[number / 64] >> (number % 64)) & 1U) != 0;
}

// How many words are full, how many follow up to the last that is not empty, and these.
void TakenSet::describe(std::vector<std::uint64_t>& to) const {
  const std::size_t lengths = to.size();
  to.push_back(0);
  std::size_t left = size_ - full_ * 64;
  for (std::size_t i = full_; left > 0; ++i) {
    to.push_back(words_[i]);
    left -= static_cast<std::size_t>(std::popcount(words_[i]));
  }
  to[lengths] = (std::uint64_t{full_} << 32U) | (to.size() - lengths - 1);
}

bool TakenSet::is_within(const TakenSet& other) const {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if ((words_[i] & ~other.words_[i]) != 0) return false;
  }
  return true;
}

bool LinearizationMemory::is_new(const Configuration& configuration) {
  std::vector<std::uint64_t> numbers{(std::uint64_t{configuration.value} << 1U) |
                                     (configuration.must_be_used ? 1U : 0U)};
  configuration.required.describe(numbers);
  const std::size_t bytes = kElementBytes + numbers.size() * sizeof(std::uint64_t);
  const auto [entry, is_first] = tried_.try_emplace(std::move(numbers));
  if (is_first) bytes_ += bytes;
  const TakenSet& taken = configuration.optional;
  std::vector<TakenSet>& tried = entry->second;
  for (const TakenSet& less : tried) {
    if (less.is_within(taken)) return false;
  }
  const std::size_t dropped =
      std::erase_if(tried, [&](const TakenSet& more) { return taken.is_within(more); });
  tried.push_back(taken);
  bytes_ += sizeof(TakenSet) + taken.bytes();
  bytes_ -= dropped * (sizeof(TakenSet) + taken.bytes());
  return true;
}

std::size_t LinearizationMemory::Hash::operator()(const std::vector<std::uint64_t>& numbers) const {
  std::uint64_t hash = 0;
  for (const std::uint64_t number : numbers) {  // splitmix64
    hash += number + 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    hash ^= hash >> 31U;
  }
  return static_cast<std::size_t>(hash);
}

}  // namespace coracle::raft::sim
