// Searches for an order of one key's operations that explains their answers. Mechanism of
// linearizability.h.
//
// The search of Wing and Gong: take an operation that was invoked before any of those left has
// completed, if a map in this state gives its answer; go on with those left; if that leads nowhere,
// put it back and take another. With Lowe's list of invocations and completions, from which taking
// an operation lifts both its entries, and with his memory of (operations taken, value). On top of
// that, four rules leave out orders without which no history loses its last explanation:
//
//   1. A read that fits is taken at once, and nothing instead of it: wherever an order has it, it
//      can be moved to the front.
//   2. An optional operation (its outcome is unknown) is taken only if it changes the value, and
//      only if the next one depends on what it left: else the order without it is as good.
//   3. Of two optional operations that do the same the one invoked first is taken first.
//   4. A blind write whose value nobody can have seen is taken directly before another that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "raft/sim/history.h"
#include "raft/sim/linearizability.h"

namespace coracle::raft::sim {

// An operation among the invocations and completions of its key, which are counted from 0.
struct PlacedOperation {
  const ClientOperation* operation = nullptr;
  std::uint32_t invoked = 0;
  std::uint32_t completed = 0;  // means nothing if it is optional
  bool required = false;        // else it may be left out, and has no answer
};

class LinearizationSearch {
 public:
  // Takes operations in the order of invocation, no two of which share a place.
  LinearizationSearch(std::span<const PlacedOperation> operations,
                      const LinearizabilityLimits& limits);

  LinearizationSearch(const LinearizationSearch&) = delete;
  LinearizationSearch& operator=(const LinearizationSearch&) = delete;

  // Searches, once.
  [[nodiscard]] Linearizability run();

  // The order that it found, as positions in what it was given. If it was in vain, the longest one
  // up to the first completion that no order got past, and the place of that completion.
  [[nodiscard]] const std::vector<std::uint32_t>& order() const {
    return blocked_ ? longest_order_ : order_;
  }
  [[nodiscard]] std::uint32_t blocked_at() const { return blocked_at_; }

  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  using ValueId = std::uint32_t;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // What of an operation matters to the search. Values are numbered, to be compared fast.
  struct Item {
    OperationKind kind;
    bool required;
    bool read;   // answered, and changes nothing
    bool blind;  // fits any value, and leaves its own
    bool dead;   // blind, required, and nobody can have seen its value
    bool swapped;
    ValueId value;
    ValueId expected;
    ValueId found;       // kNone: not said
    std::uint32_t twin;  // the optional operation before it that does the same
    std::uint32_t bit;   // its own, among the required or among the optional ones
    std::uint32_t invoked;
  };

  // What is restored when an operation is put back.
  struct Frame {
    ValueId value;
    bool must_be_used;
    std::uint32_t absorbed;  // dead writes that were taken directly before
  };

  // A set of operations, most of the first of which are in it.
  class TakenSet {
   public:
    void resize(std::size_t size) { words_.resize((size + 63) / 64); }
    void insert(std::uint32_t bit);
    void erase(std::uint32_t bit);
    [[nodiscard]] bool contains(std::uint32_t bit) const;
    // Appends numbers that no other set of this size has.
    void describe(std::vector<std::uint64_t>& to) const;

   private:
    std::vector<std::uint64_t> words_;
    std::size_t full_ = 0;  // so many words at the beginning are
    std::size_t size_ = 0;
  };

  struct Hash {
    std::size_t operator()(const std::vector<std::uint64_t>& numbers) const;
  };

  void number_values(std::span<const PlacedOperation> operations);
  [[nodiscard]] ValueId number(const MapValue& value);
  [[nodiscard]] ValueId number_if_seen(const MapValue& value);
  void add_item(const PlacedOperation& placed);
  void link_entries(std::span<const PlacedOperation> operations);

  // Entries: that of invocation i is 2i, that of completion i is 2i+1; the head is behind them all.
  [[nodiscard]] std::uint32_t head() const { return static_cast<std::uint32_t>(next_.size() - 1); }
  [[nodiscard]] bool is_invocation(std::uint32_t entry) const {
    return entry % 2 == 0 && entry != head();
  }
  void lift(std::uint32_t entry);
  void unlift(std::uint32_t entry);

  [[nodiscard]] bool is_forced(std::uint32_t item) const;
  [[nodiscard]] std::uint32_t first_choice() const;
  [[nodiscard]] std::uint32_t next_choice(std::uint32_t after) const;
  [[nodiscard]] std::uint32_t find_write(std::uint32_t from, bool dead) const;
  [[nodiscard]] std::uint32_t find_optional(std::uint32_t after) const;
  [[nodiscard]] std::uint32_t first_completion() const;

  [[nodiscard]] ValueId value_after(const Item& item);
  [[nodiscard]] bool take(std::uint32_t item);
  [[nodiscard]] std::uint32_t absorb_dead_writes(std::uint32_t but);
  void take_out(std::uint32_t item);
  [[nodiscard]] std::uint32_t put_back();
  void put_in(std::uint32_t item);
  [[nodiscard]] bool is_new();
  void note_block();

  const LinearizabilityLimits limits_;
  std::vector<Item> items_;
  std::vector<std::uint32_t> optional_;  // items, by invocation
  std::unordered_map<std::string, ValueId> numbers_;
  std::vector<const std::string*> texts_;  // of numbers; nullptr where there is none
  bool unseen_is_one_ = false;             // all values that nobody can have seen have one number
  bool absent_is_seen_ = false;

  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> previous_;
  std::vector<std::uint32_t> completed_;  // the places of items

  ValueId value_ = 0;
  bool must_be_used_ = false;  // an optional operation was taken last
  std::size_t required_left_ = 0;
  TakenSet required_taken_;
  TakenSet optional_taken_;
  std::vector<std::uint32_t> order_;
  std::vector<Frame> frames_;
  std::unordered_set<std::vector<std::uint64_t>, Hash> tried_;

  bool blocked_ = false;
  std::uint32_t blocked_at_ = 0;
  std::vector<std::uint32_t> longest_order_;
  std::uint64_t steps_ = 0;
  std::size_t memory_bytes_ = 0;
};

}  // namespace coracle::raft::sim
