#include "raft/sim/linearization_search.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace coracle::raft::sim {
namespace {

using Kind = OperationKind;

constexpr std::uint32_t kAbsent = 0;
constexpr std::uint32_t kUnseen = 1;

// What an element of a hash set takes beside its own bytes: about.
constexpr std::size_t kElementBytes = 80;

bool is_read(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  if (operation.kind == Kind::get) return true;
  return placed.required && operation.kind == Kind::compare_and_set && !*operation.swapped;
}

bool is_blind(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  if (placed.required && operation.found) return false;
  return operation.kind == Kind::put || operation.kind == Kind::remove;
}

// An operation of which we learn neither the value that it met nor the one that it left.
bool hides_values(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  if (operation.kind == Kind::append) return true;
  return is_read(placed) && operation.kind == Kind::compare_and_set && !operation.found;
}

// What somebody may have seen, each of them.
std::set<MapValue> seen_values(std::span<const PlacedOperation> operations) {
  std::set<MapValue> seen;
  for (const PlacedOperation& placed : operations) {
    const ClientOperation& operation = *placed.operation;
    if (placed.required && operation.found) seen.insert(*operation.found);
    if (operation.kind == Kind::compare_and_set) seen.insert(operation.expected);
  }
  return seen;
}

}  // namespace

LinearizationSearch::LinearizationSearch(std::span<const PlacedOperation> operations,
                                         const LinearizabilityLimits& limits)
    : limits_(limits) {
  number_values(operations);
  std::map<std::tuple<Kind, ValueId, ValueId>, std::uint32_t> twins;
  for (const PlacedOperation& placed : operations) {
    add_item(placed);
    Item& item = items_.back();
    if (placed.required) {
      item.bit = static_cast<std::uint32_t>(required_left_++);
      continue;
    }
    const bool useless = item.kind == Kind::get || item.value == kUnseen;
    if (useless) continue;
    const auto index = static_cast<std::uint32_t>(items_.size() - 1);
    const auto [twin, is_first] = twins.try_emplace({item.kind, item.value, item.expected}, index);
    if (!is_first) item.twin = std::exchange(twin->second, index);
    item.bit = static_cast<std::uint32_t>(optional_.size());
    optional_.push_back(index);
  }
  required_taken_.resize(required_left_);
  optional_taken_.resize(optional_.size());
  link_entries(operations);
}

// Without operations that hide values, those that nobody can have seen are one and the same.
void LinearizationSearch::number_values(std::span<const PlacedOperation> operations) {
  texts_ = {nullptr, nullptr};
  unseen_is_one_ = std::ranges::none_of(operations, hides_values);
  for (const MapValue& value : seen_values(operations)) {
    if (value) (void)number(value);
    absent_is_seen_ = absent_is_seen_ || !value;
  }
  value_ = number_if_seen(std::nullopt);
}

LinearizationSearch::ValueId LinearizationSearch::number(const MapValue& value) {
  if (!value) return kAbsent;
  const auto [entry, is_new] = numbers_.try_emplace(*value, static_cast<ValueId>(texts_.size()));
  if (is_new) {
    texts_.push_back(&entry->first);
    memory_bytes_ += kElementBytes + value->size();
  }
  return entry->second;
}

LinearizationSearch::ValueId LinearizationSearch::number_if_seen(const MapValue& value) {
  if (!unseen_is_one_) return number(value);
  const bool seen = value ? numbers_.contains(*value) : absent_is_seen_;
  return seen ? number(value) : kUnseen;
}

void LinearizationSearch::add_item(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  Item item{.kind = operation.kind,
            .required = placed.required,
            .read = is_read(placed),
            .blind = is_blind(placed),
            .dead = false,
            .swapped = placed.required && operation.swapped.value_or(false),
            .value = kAbsent,
            .expected = kAbsent,
            .found = kNone,
            .twin = kNone,
            .bit = 0,
            .invoked = placed.invoked};
  if (operation.kind == Kind::append) {
    item.value = number(operation.value);
  } else if (operation.kind == Kind::remove) {
    item.value = number_if_seen(std::nullopt);
  } else if (operation.kind != Kind::get) {
    item.value = number_if_seen(operation.value);
  }
  if (operation.kind == Kind::compare_and_set) item.expected = number(operation.expected);
  if (placed.required && operation.found) item.found = number(*operation.found);
  item.dead = item.blind && item.required && item.value == kUnseen;
  items_.push_back(item);
}

void LinearizationSearch::link_entries(std::span<const PlacedOperation> operations) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    completed_.push_back(operations[i].completed);
    if (!operations[i].required) continue;
    places.emplace_back(operations[i].invoked, 2 * i);
    places.emplace_back(operations[i].completed, 2 * i + 1);
  }
  std::ranges::sort(places);
  next_.resize(2 * operations.size() + 1);
  previous_.resize(next_.size());
  std::uint32_t last = head();
  for (const auto& [place, entry] : places) {
    next_[last] = entry;
    previous_[entry] = last;
    last = entry;
  }
  next_[last] = head();
  previous_[head()] = last;
}

Linearizability LinearizationSearch::run() {
  std::uint32_t choice = required_left_ == 0 ? kNone : first_choice();
  while (required_left_ > 0) {
    if (steps_ >= limits_.steps || memory_bytes_ > limits_.memory_bytes) {
      note_block();
      return Linearizability::undecided;
    }
    if (choice == kNone) {
      note_block();
      if (frames_.empty()) return Linearizability::not_linearizable;
      choice = next_choice(put_back());
    } else if (!take(choice)) {
      choice = next_choice(choice);
    } else if (required_left_ > 0) {
      choice = first_choice();
    }
  }
  blocked_ = false;
  return Linearizability::linearizable;
}

// Rule 1; and its like, for dead writes where a value that nobody can have seen stands already.
bool LinearizationSearch::is_forced(std::uint32_t item) const {
  return items_[item].read || (items_[item].dead && value_ == kUnseen);
}

std::uint32_t LinearizationSearch::first_choice() const {
  for (std::uint32_t entry = next_[head()]; is_invocation(entry); entry = next_[entry]) {
    const Item& item = items_[entry / 2];
    if (item.dead && value_ == kUnseen) return entry / 2;
    if (!item.read) continue;
    const bool found = item.found == kNone || item.found == value_;
    const bool fits = item.kind == Kind::get || item.expected != value_;
    if (found && fits) return entry / 2;
  }
  return next_choice(kNone);
}

// After what is forced nothing; else first the writes that may be seen, then one of those that
// cannot (the others are taken with it), then optional operations.
std::uint32_t LinearizationSearch::next_choice(std::uint32_t after) const {
  if (after != kNone && is_forced(after)) return kNone;
  const bool optional = after != kNone && !items_[after].required;
  if (optional) return find_optional(after);
  if (after == kNone || !items_[after].dead) {
    const std::uint32_t from = after == kNone ? next_[head()] : next_[2 * after];
    if (const std::uint32_t write = find_write(from, false); write != kNone) return write;
    if (const std::uint32_t dead = find_write(next_[head()], true); dead != kNone) return dead;
  }
  return find_optional(kNone);
}

std::uint32_t LinearizationSearch::find_write(std::uint32_t from, bool dead) const {
  for (std::uint32_t entry = from; is_invocation(entry); entry = next_[entry]) {
    const Item& item = items_[entry / 2];
    if (!item.read && item.dead == dead) return entry / 2;
  }
  return kNone;
}

std::uint32_t LinearizationSearch::find_optional(std::uint32_t after) const {
  const std::uint32_t completion = first_completion();
  for (std::size_t i = after == kNone ? 0 : items_[after].bit + 1; i < optional_.size(); ++i) {
    const Item& item = items_[optional_[i]];
    if (item.invoked > completion) return kNone;
    if (!optional_taken_.contains(item.bit)) return optional_[i];
  }
  return kNone;
}

// The place of the first completion of what is left.
std::uint32_t LinearizationSearch::first_completion() const {
  std::uint32_t entry = next_[head()];
  while (is_invocation(entry)) entry = next_[entry];
  return entry == head() ? kNone : completed_[entry / 2];
}

// Returns    what stands after the operation; kNone if it does not fit.
LinearizationSearch::ValueId LinearizationSearch::value_after(const Item& item) {
  if (item.found != kNone && item.found != value_) return kNone;
  switch (item.kind) {
    case Kind::get: return value_;
    case Kind::put:
    case Kind::remove: return item.value;
    case Kind::append: {
      const std::string* before = texts_[value_];
      return number((before != nullptr ? *before : std::string()) + *texts_[item.value]);
    }
    case Kind::compare_and_set: {
      const bool fits = item.expected == value_;
      const bool swaps = !item.required || item.swapped;
      if (fits != swaps) return kNone;
      return fits ? item.value : value_;
    }
  }
  return kNone;
}

bool LinearizationSearch::take(std::uint32_t index) {
  ++steps_;
  const Item& item = items_[index];
  if (must_be_used_ && item.blind) return false;  // rule 2
  const ValueId after = value_after(item);
  if (after == kNone) return false;
  if (!item.required) {
    if (after == value_) return false;  // rule 2
    if (item.twin != kNone && !optional_taken_.contains(items_[item.twin].bit)) return false;
  }
  Frame frame{.value = value_, .must_be_used = must_be_used_, .absorbed = 0};
  if (item.blind) frame.absorbed = absorb_dead_writes(index);
  take_out(index);
  frames_.push_back(frame);
  value_ = after;
  must_be_used_ = !item.required;
  if (is_new()) return true;
  (void)put_back();
  return false;
}

// Rule 4. They overlap with `but`, or it could not be taken now.
std::uint32_t LinearizationSearch::absorb_dead_writes(std::uint32_t but) {
  std::uint32_t absorbed = 0;
  for (std::uint32_t entry = next_[head()]; is_invocation(entry); entry = next_[entry]) {
    if (entry / 2 == but || !items_[entry / 2].dead) continue;
    take_out(entry / 2);
    ++absorbed;
  }
  return absorbed;
}

void LinearizationSearch::take_out(std::uint32_t index) {
  order_.push_back(index);
  const Item& item = items_[index];
  if (!item.required) return optional_taken_.insert(item.bit);
  lift(2 * index);
  lift(2 * index + 1);
  required_taken_.insert(item.bit);
  --required_left_;
}

// Undoes the last take().
//   Returns    what was taken.
std::uint32_t LinearizationSearch::put_back() {
  const Frame frame = frames_.back();
  frames_.pop_back();
  const std::uint32_t taken = order_.back();
  for (std::uint32_t i = 0; i <= frame.absorbed; ++i) {
    put_in(order_.back());
    order_.pop_back();
  }
  value_ = frame.value;
  must_be_used_ = frame.must_be_used;
  return taken;
}

void LinearizationSearch::put_in(std::uint32_t index) {
  const Item& item = items_[index];
  if (!item.required) return optional_taken_.erase(item.bit);
  unlift(2 * index + 1);
  unlift(2 * index);
  required_taken_.erase(item.bit);
  ++required_left_;
}

void LinearizationSearch::lift(std::uint32_t entry) {
  next_[previous_[entry]] = next_[entry];
  previous_[next_[entry]] = previous_[entry];
}

void LinearizationSearch::unlift(std::uint32_t entry) {
  next_[previous_[entry]] = entry;
  previous_[next_[entry]] = entry;
}

// Remembers what is taken and what stands there now.
//   Returns    false if that was so before, and led nowhere.
bool LinearizationSearch::is_new() {
  std::vector<std::uint64_t> numbers{(std::uint64_t{value_} << 1U) | (must_be_used_ ? 1U : 0U)};
  required_taken_.describe(numbers);
  optional_taken_.describe(numbers);
  const std::size_t bytes = numbers.size() * sizeof(std::uint64_t);
  if (!tried_.insert(std::move(numbers)).second) return false;
  memory_bytes_ += kElementBytes + bytes;
  return true;
}

void LinearizationSearch::note_block() {
  const std::uint32_t at = first_completion();
  if (blocked_ && at <= blocked_at_) return;
  blocked_ = true;
  blocked_at_ = at;
  longest_order_ = order_;
}

void LinearizationSearch::TakenSet::insert(std::uint32_t bit) {
  words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  ++size_;
  while (full_ < words_.size() && words_[full_] == UINT64_MAX) ++full_;
}

void LinearizationSearch::TakenSet::erase(std::uint32_t bit) {
  words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
  --size_;
  full_ = std::min(full_, std::size_t{bit / 64});
}

bool LinearizationSearch::TakenSet::contains(std::uint32_t bit) const {
  return ((words_[bit / 64] >> (bit % 64)) & 1U) != 0;
}

// How many words are full, how many follow up to the last that is not empty, and these.
void LinearizationSearch::TakenSet::describe(std::vector<std::uint64_t>& to) const {
  const std::size_t lengths = to.size();
  to.push_back(0);
  std::size_t left = size_ - full_ * 64;
  for (std::size_t i = full_; left > 0; ++i) {
    to.push_back(words_[i]);
    left -= static_cast<std::size_t>(std::popcount(words_[i]));
  }
  to[lengths] = (std::uint64_t{full_} << 32U) | (to.size() - lengths - 1);
}

std::size_t LinearizationSearch::Hash::operator()(const std::vector<std::uint64_t>& numbers) const {
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
