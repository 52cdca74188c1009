#include "raft/sim/linearizability.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "raft/sim/history_excerpt.h"
#include "raft/sim/linearization_search.h"
#include "runtime/check.h"

namespace coracle::raft::sim {
namespace {

// What happened to one key, its invocations and completions counted from 0 in their order. Those
// that failed are not in it.
class KeyHistory {
 public:
  KeyHistory(std::span<const ClientOperation> history, const std::vector<std::size_t>& of_key);

  // Returns    what had been invoked up to this place. What completed later may be left out.
  [[nodiscard]] std::vector<PlacedOperation> up_to(std::uint32_t place) const;

  // Returns    the places of completions, in order.
  [[nodiscard]] const std::vector<std::uint32_t>& completions() const { return completions_; }
  [[nodiscard]] const ClientOperation& completed_at(std::uint32_t place) const;

 private:
  std::vector<PlacedOperation> operations_;
  std::vector<std::uint32_t> completions_;
};

KeyHistory::KeyHistory(std::span<const ClientOperation> history,
                       const std::vector<std::size_t>& of_key) {
  std::vector<std::tuple<TimePoint, bool, std::size_t>> events;  // invocations first
  for (const std::size_t i : of_key) {
    const ClientOperation& operation = history[i];
    if (operation.outcome == OperationOutcome::failed) continue;
    events.emplace_back(operation.invoked, false, i);
    if (operation.outcome == OperationOutcome::ok)
      events.emplace_back(operation.completed, true, i);
  }
  std::ranges::sort(events);
  std::map<std::size_t, std::size_t> position;
  std::uint32_t place = 0;
  for (const auto& [at, completes, i] : events) {
    if (completes) {
      PlacedOperation& completed = operations_[position.at(i)];
      completed.completed = place;
      completed.required = true;
      completions_.push_back(place);
    } else {
      position[i] = operations_.size();
      operations_.push_back({.operation = &history[i], .invoked = place});
    }
    ++place;
  }
}

std::vector<PlacedOperation> KeyHistory::up_to(std::uint32_t place) const {
  std::vector<PlacedOperation> operations;
  for (PlacedOperation operation : operations_) {
    if (operation.invoked > place) break;
    operation.required = operation.required && operation.completed <= place;
    operations.push_back(operation);
  }
  return operations;
}

const ClientOperation& KeyHistory::completed_at(std::uint32_t place) const {
  const auto found = std::ranges::find_if(operations_, [&](const PlacedOperation& operation) {
    return operation.required && operation.completed == place;
  });
  CORACLE_CHECK(found != operations_.end(), "something completes there");
  return *found->operation;
}

// What a map does.
//   Returns    whether it answers so, and then leaves in `value` what stands there after it.
bool apply(const PlacedOperation& placed, MapValue& value) {
  const ClientOperation& operation = *placed.operation;
  if (placed.required && operation.found && *operation.found != value) return false;
  switch (operation.kind) {
    case OperationKind::get: return true;
    case OperationKind::put: value = operation.value; return true;
    case OperationKind::append: value = value.value_or("") + operation.value; return true;
    case OperationKind::remove: value.reset(); return true;
    case OperationKind::compare_and_set: break;
  }
  const bool fits = value == operation.expected;
  if (placed.required && fits != *operation.swapped) return false;
  if (fits) value = operation.value;
  return true;
}

// The search is clever; what it found is looked at again in a simple way, so that it never lets
// anything pass by mistake.
void check_order(std::span<const PlacedOperation> operations,
                 std::span<const std::uint32_t> order) {
  MapValue value;
  std::vector<bool> taken(operations.size());
  for (const std::uint32_t i : order) {
    CORACLE_CHECK(!taken[i], "an order has each operation once");
    taken[i] = true;
    CORACLE_CHECK(apply(operations[i], value), "an order explains all answers");
  }
  for (std::size_t i = 0; i < operations.size(); ++i) {
    CORACLE_CHECK(taken[i] || !operations[i].required, "an order has all that completed");
  }
  std::uint32_t latest_invoked = 0;
  for (const std::uint32_t i : order) {
    latest_invoked = std::max(latest_invoked, operations[i].invoked);
    CORACLE_CHECK(!operations[i].required || operations[i].completed > latest_invoked,
                  "an order keeps those apart that did not overlap");
  }
}

// One search, of the history up to a place.
struct Attempt {
  Attempt(const KeyHistory& history, std::uint32_t up_to, const LinearizabilityLimits& limits)
      : operations(history.up_to(up_to)), search(operations, limits), verdict(search.run()) {
    if (verdict == Linearizability::linearizable) check_order(operations, search.order());
  }

  std::vector<PlacedOperation> operations;
  LinearizationSearch search;
  Linearizability verdict;
};

// The end of an order that an attempt has found, for an excerpt.
std::vector<OrderedOperation> last_of_order(const Attempt& attempt) {
  constexpr std::size_t kShown = 8;
  std::vector<OrderedOperation> last;
  MapValue value;
  for (const std::uint32_t i : attempt.search.order()) {
    CORACLE_CHECK(apply(attempt.operations[i], value), "an order explains all answers");
    last.push_back({.operation = attempt.operations[i].operation, .leaves = value});
    if (last.size() > kShown) last.erase(last.begin());
  }
  return last;
}

// Where a history that nothing explains stops making sense.
struct Stop {
  std::uint32_t place = 0;              // of the first completion up to which nothing explains it
  std::vector<OrderedOperation> order;  // that explains what completed before
};

// A history can be explained up to any place before such a one, so that halving finds it. It does
// not lie before the one that the search of the whole did not get past; that may have been held up
// earlier, because it knew answers that came later.
Stop find_stop(const KeyHistory& history, std::uint32_t blocked_at,
               const LinearizabilityLimits& limits, std::uint64_t& steps) {
  const std::vector<std::uint32_t>& places = history.completions();
  auto first = std::ranges::lower_bound(places, blocked_at);
  auto last = std::prev(places.end());  // the first that is known not to be explained
  for (auto probe = first; first != last; probe = first + (last - first) / 2) {
    const Attempt attempt(history, *probe, limits);
    steps += attempt.search.steps();
    if (attempt.verdict == Linearizability::undecided) break;
    if (attempt.verdict == Linearizability::linearizable) {
      first = std::next(probe);
    } else {
      last = probe;
    }
  }
  Stop stop{.place = *last, .order = {}};
  if (last == places.begin()) return stop;
  const Attempt before(history, *std::prev(last), limits);
  steps += before.search.steps();
  stop.order = last_of_order(before);
  return stop;
}

LinearizabilityReport check_key(std::span<const ClientOperation> history,
                                const std::vector<std::size_t>& of_key,
                                const LinearizabilityLimits& limits) {
  const KeyHistory key_history(history, of_key);
  const Attempt whole(key_history, UINT32_MAX, limits);
  LinearizabilityReport report{.verdict = whole.verdict, .steps = whole.search.steps()};
  if (report.linearizable()) return report;

  Stop stop{.place = whole.search.blocked_at(), .order = {}};
  if (whole.verdict == Linearizability::not_linearizable) {
    stop = find_stop(key_history, stop.place, limits, report.steps);
  } else {
    stop.order = last_of_order(whole);
  }
  const ClientOperation& operation = key_history.completed_at(stop.place);
  report.key = operation.key;
  report.operation = static_cast<std::size_t>(&operation - history.data());
  report.excerpt = write_excerpt(history, of_key, report, stop.order);
  return report;
}

}  // namespace

LinearizabilityReport check_linearizability(std::span<const ClientOperation> history,
                                            const LinearizabilityLimits& limits) {
  std::map<std::string_view, std::vector<std::size_t>> keys;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const std::string wrong = misfit(history[i]);
    CORACLE_CHECK(wrong.empty(), wrong);
    keys[history[i].key].push_back(i);
  }
  LinearizabilityReport report;
  for (const auto& [key, of_key] : keys) {
    const std::uint64_t steps = report.steps;
    LinearizabilityReport of_this = check_key(history, of_key, limits);
    if (of_this.verdict == Linearizability::not_linearizable || report.linearizable()) {
      report = std::move(of_this);
      report.steps += steps;
    } else {
      report.steps += of_this.steps;
    }
    if (report.verdict == Linearizability::not_linearizable) break;
  }
  return report;
}

}  // namespace coracle::raft::sim
