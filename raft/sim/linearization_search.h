// Searches for an order of one key's operations that explains their answers. Mechanism of
// linearizability.h.
//
// The search of Wing and Gong: take an operation that was invoked before any of those left has
// completed, if a map in this state gives its answer; go on with those left; if that leads nowhere,
// put it back and take another. With Lowe's list of invocations and completions, from which taking
// an operation lifts both its entries, and with his memory of (operations taken, value). On top of
// that, seven rules leave out orders without which no history loses its last explanation:
//
//   1. A read that fits is taken at once, and nothing instead of it: wherever an order has it, it
//      can be moved to the front.
//   2. An optional operation (its outcome is unknown) is taken only if it changes the value, and
//      only if the next one depends on what it left: else the order without it is as good.
//   3. Of operations that do the same the one that completes first is taken first; optional ones
//      after those that are required, in the order of invocation.
//   4. Values that nobody is left to see are one. A blind write of such a value is taken directly
//      before another blind write: wherever an order has it, it can be moved there.
//   5. A value is not overwritten while somebody left must find it, and nobody left can write it.
//   6. Nothing is tried again with fewer optional operations left.
//   7. Where all that is left can only append, a value is the beginning of all that will be found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "raft/sim/history.h"
#include "raft/sim/linearizability.h"
#include "raft/sim/linearization_memory.h"

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
    bool write;  // may leave its own value, whether blind or not
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

  // Who is left that has to do with a value.
  struct Uses {
    int writers = 0;    // may leave it
    int readers = 0;    // must find it
    int observers = 0;  // must or may
  };

  void add_item(const PlacedOperation& placed);
  [[nodiscard]] ValueId number(const MapValue& value);
  void choose_optional();
  void link_entries(std::span<const PlacedOperation> operations);

  // Entries: that of invocation i is 2i, that of completion i is 2i+1; the head is behind them all.
  [[nodiscard]] std::uint32_t head() const { return static_cast<std::uint32_t>(next_.size() - 1); }
  [[nodiscard]] bool is_invocation(std::uint32_t entry) const {
    return entry % 2 == 0 && entry != head();
  }
  void lift(std::uint32_t entry);
  void unlift(std::uint32_t entry);

  void count(const Item& item, int step);
  [[nodiscard]] ValueId seen(ValueId value) const;
  [[nodiscard]] bool is_dead(const Item& item) const;
  [[nodiscard]] bool is_lost(ValueId value) const;
  [[nodiscard]] bool leads_to_all_answers() const;

  [[nodiscard]] bool is_forced(std::uint32_t item) const;
  [[nodiscard]] std::uint32_t first_choice() const;
  [[nodiscard]] std::uint32_t next_choice(std::uint32_t after) const;
  [[nodiscard]] std::uint32_t find_write(std::uint32_t from, bool dead) const;
  [[nodiscard]] std::uint32_t find_optional(std::uint32_t after) const;
  [[nodiscard]] std::uint32_t first_completion() const;

  [[nodiscard]] ValueId value_after(const Item& item);
  [[nodiscard]] bool take(std::uint32_t item);
  [[nodiscard]] bool comes_later(std::uint32_t item) const;
  [[nodiscard]] std::uint32_t absorb_dead_writes(std::uint32_t but);
  void take_out(std::uint32_t item);
  [[nodiscard]] std::uint32_t put_back();
  void put_in(std::uint32_t item);
  void note_block();

  const LinearizabilityLimits limits_;
  std::vector<Item> items_;
  std::vector<std::uint32_t> optional_;  // items, by invocation
  std::unordered_map<std::string, ValueId> numbers_;
  std::vector<const std::string*> texts_;  // of numbers; nullptr where there is none
  std::vector<Uses> uses_;                 // of numbered values, if they are known
  bool values_are_known_ = false;          // nothing is appended
  bool unseen_is_one_ = false;             // values that nobody is left to see are
  int writers_left_ = 0;                   // operations that may do more than append

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
  LinearizationMemory tried_;

  bool blocked_ = false;
  std::uint32_t blocked_at_ = 0;
  std::vector<std::uint32_t> longest_order_;
  std::uint64_t steps_ = 0;
  std::size_t value_bytes_ = 0;
};

}  // namespace coracle::raft::sim
