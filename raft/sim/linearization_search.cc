#include "raft/sim/linearization_search.h"

#include <algorithm>
#include <map>
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

// A cas that found something else than it expected, and does not say what.
bool hides_what_it_found(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  return is_read(placed) && operation.kind == Kind::compare_and_set && !operation.found;
}

bool appends(const PlacedOperation& placed) { return placed.operation->kind == Kind::append; }

// Whether it may leave its own value, of which all is known beforehand.
bool is_write(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  return !is_read(placed) && operation.kind != Kind::append;
}

}  // namespace

LinearizationSearch::LinearizationSearch(std::span<const PlacedOperation> operations,
                                         const LinearizabilityLimits& limits)
    : limits_(limits) {
  texts_ = {nullptr, nullptr};
  values_are_known_ = std::ranges::none_of(operations, appends);
  unseen_is_one_ = values_are_known_ && std::ranges::none_of(operations, hides_what_it_found);
  for (const PlacedOperation& placed : operations) add_item(placed);
  uses_.resize(texts_.size());
  for (const Item& item : items_) count(item, 1);
  value_ = seen(kAbsent);
  choose_optional();
  required_taken_ = TakenSet(required_left_);
  optional_taken_ = TakenSet(optional_.size());
  link_entries(operations);
}

// Optional operations that can never be of use are left out at once.
void LinearizationSearch::choose_optional() {
  std::map<std::tuple<Kind, ValueId, ValueId>, std::uint32_t> twins;
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (item.required) {
      item.bit = static_cast<std::uint32_t>(required_left_++);
      continue;
    }
    if (item.kind == Kind::get || seen(item.value) == kUnseen) continue;
    const auto [twin, is_first] = twins.try_emplace({item.kind, item.value, item.expected}, i);
    if (!is_first) item.twin = std::exchange(twin->second, i);
    item.bit = static_cast<std::uint32_t>(optional_.size());
    optional_.push_back(i);
  }
}

// Counts what is left, of who may leave a value and who needs it.
void LinearizationSearch::count(const Item& item, int step) {
  if (item.write) writers_left_ += step;
  if (!values_are_known_) return;
  if (item.write) uses_[item.value].writers += step;
  const bool compares = item.kind == Kind::compare_and_set && (item.swapped || !item.required);
  if (compares) uses_[item.expected].observers += step;
  if (compares && item.required) uses_[item.expected].readers += step;
  if (item.found == kNone) return;
  uses_[item.found].observers += step;
  uses_[item.found].readers += step;
}

// Values that nobody is left to see are one and the same.
LinearizationSearch::ValueId LinearizationSearch::seen(ValueId value) const {
  if (!unseen_is_one_ || value == kUnseen) return value;
  return uses_[value].observers == 0 ? kUnseen : value;
}

bool LinearizationSearch::is_dead(const Item& item) const {
  return item.blind && item.required && seen(item.value) == kUnseen;
}

// Rule 5. Nothing brings it back, but somebody has still to find it.
bool LinearizationSearch::is_lost(ValueId value) const {
  return values_are_known_ && value != kUnseen && value != value_ && uses_[value].readers > 0 &&
         uses_[value].writers == 0;
}

// Rule 7. Without it appends that overlap are tried in every order, up to the end of the history.
bool LinearizationSearch::leads_to_all_answers() const {
  const std::string* value = texts_[value_];
  if (value == nullptr || values_are_known_ || writers_left_ > 0) return true;
  for (std::uint32_t entry = next_[head()]; entry != head(); entry = next_[entry]) {
    const ValueId found = items_[entry / 2].found;
    if (!is_invocation(entry) || found == kNone) continue;
    if (texts_[found] == nullptr || !texts_[found]->starts_with(*value)) return false;
  }
  return true;
}

LinearizationSearch::ValueId LinearizationSearch::number(const MapValue& value) {
  if (!value) return kAbsent;
  const auto [entry, is_new] = numbers_.try_emplace(*value, static_cast<ValueId>(texts_.size()));
  if (is_new) {
    texts_.push_back(&entry->first);
    value_bytes_ += kElementBytes + value->size();
  }
  return entry->second;
}

void LinearizationSearch::add_item(const PlacedOperation& placed) {
  const ClientOperation& operation = *placed.operation;
  Item item{.kind = operation.kind,
            .required = placed.required,
            .read = is_read(placed),
            .blind = is_blind(placed),
            .write = is_write(placed),
            .swapped = placed.required && operation.swapped.value_or(false),
            .value = kAbsent,
            .expected = kAbsent,
            .found = kNone,
            .twin = kNone,
            .bit = 0,
            .invoked = placed.invoked};
  if (operation.kind != Kind::get && operation.kind != Kind::remove) {
    item.value = number(operation.value);
  }
  if (operation.kind == Kind::compare_and_set) item.expected = number(operation.expected);
  if (placed.required && operation.found) item.found = number(*operation.found);
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
    if (steps_ >= limits_.steps || value_bytes_ + tried_.bytes() > limits_.memory_bytes) {
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
  return items_[item].read || (value_ == kUnseen && is_dead(items_[item]));
}

std::uint32_t LinearizationSearch::first_choice() const {
  for (std::uint32_t entry = next_[head()]; is_invocation(entry); entry = next_[entry]) {
    const Item& item = items_[entry / 2];
    if (value_ == kUnseen && is_dead(item)) return entry / 2;
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
  if (after == kNone || !is_dead(items_[after])) {
    const std::uint32_t from = after == kNone ? next_[head()] : next_[2 * after];
    if (const std::uint32_t write = find_write(from, false); write != kNone) return write;
    if (const std::uint32_t dead = find_write(next_[head()], true); dead != kNone) return dead;
  }
  return find_optional(kNone);
}

std::uint32_t LinearizationSearch::find_write(std::uint32_t from, bool dead) const {
  for (std::uint32_t entry = from; is_invocation(entry); entry = next_[entry]) {
    const Item& item = items_[entry / 2];
    if (!item.read && is_dead(item) == dead) return entry / 2;
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
  if (after == kNone || comes_later(index)) return false;
  if (!item.required) {
    if (after == value_ || seen(after) == kUnseen) return false;  // rule 2
    if (item.twin != kNone && !optional_taken_.contains(items_[item.twin].bit)) return false;
  }
  Frame frame{.value = value_, .must_be_used = must_be_used_, .absorbed = 0};
  if (item.blind) frame.absorbed = absorb_dead_writes(index);
  take_out(index);
  frames_.push_back(frame);
  value_ = seen(after);
  must_be_used_ = !item.required;
  const Configuration configuration{.value = value_,
                                    .must_be_used = must_be_used_,
                                    .required = required_taken_,
                                    .optional = optional_taken_};
  if (!is_lost(frame.value) && leads_to_all_answers() && tried_.is_new(configuration)) return true;
  (void)put_back();
  return false;
}

// Rule 3, as far as required operations are concerned.
bool LinearizationSearch::comes_later(std::uint32_t index) const {
  const Item& item = items_[index];
  if (item.read || is_dead(item)) return false;  // of the dead one is as good as another
  for (std::uint32_t entry = next_[head()]; is_invocation(entry); entry = next_[entry]) {
    const Item& other = items_[entry / 2];
    const bool same = other.kind == item.kind && other.value == item.value &&
                      other.expected == item.expected && other.found == item.found && !other.read;
    if (same && (!item.required || completed_[entry / 2] < completed_[index])) return true;
  }
  return false;
}

// Rule 4. They overlap with `but`, or it could not be taken now.
std::uint32_t LinearizationSearch::absorb_dead_writes(std::uint32_t but) {
  std::uint32_t absorbed = 0;
  for (std::uint32_t entry = next_[head()]; is_invocation(entry); entry = next_[entry]) {
    if (entry / 2 == but || !is_dead(items_[entry / 2])) continue;
    take_out(entry / 2);
    ++absorbed;
  }
  return absorbed;
}

void LinearizationSearch::take_out(std::uint32_t index) {
  order_.push_back(index);
  const Item& item = items_[index];
  count(item, -1);
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
  count(item, 1);
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

void LinearizationSearch::note_block() {
  const std::uint32_t at = first_completion();
  if (blocked_ && at <= blocked_at_) return;
  blocked_ = true;
  blocked_at_ = at;
  longest_order_ = order_;
}

}  // namespace coracle::raft::sim
