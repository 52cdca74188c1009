// What a search for a linearization has tried. Mechanism of linearization_search.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace coracle::raft::sim {

// A set of operations by their numbers, most of the first of which are in it.
class TakenSet {
 public:
  explicit TakenSet(std::size_t size = 0) : words_((size + 63) / 64) {}

  void insert(std::uint32_t number);
  void erase(std::uint32_t number);
  [[nodiscard]] bool contains(std::uint32_t number) const;
  // Returns    whether all of it is in `other`, which is of the same size.
  [[nodiscard]] bool is_within(const TakenSet& other) const;

  // Appends numbers that no other set of this size has: few, if what is in it is among the first.
  void describe(std::vector<std::uint64_t>& to) const;
  [[nodiscard]] std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t full_ = 0;  // so many words at the beginning are
  std::size_t size_ = 0;
};

// Where a search stands: which required and which optional operations it has taken, and what that
// leaves.
struct Configuration {
  std::uint32_t value = 0;
  bool must_be_used = false;
  const TakenSet& required;
  const TakenSet& optional;
};

class LinearizationMemory {
 public:
  // Remembers a configuration.
  //   Returns    false, and remembers nothing, if one was tried that promised as much: that differs
  //              from it only in having more optional operations left.
  [[nodiscard]] bool is_new(const Configuration& configuration);

  // Returns    about how many bytes it takes.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Hash {
    std::size_t operator()(const std::vector<std::uint64_t>& numbers) const;
  };

  // By all but the optional operations: sets of these, none of which is within another.
  std::unordered_map<std::vector<std::uint64_t>, std::vector<TakenSet>, Hash> tried_;
  std::size_t bytes_ = 0;
};

}  // namespace coracle::raft::sim
