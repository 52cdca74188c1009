#include "raft/sim/history_excerpt.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace coracle::raft::sim {
namespace {

constexpr std::size_t kShownBefore = 6;
constexpr std::size_t kShownAtOnce = 20;
constexpr std::size_t kShownSources = 4;

std::string seconds(TimePoint at) {
  if (at == kNever) return "?";
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  const std::int64_t count = at.time_since_epoch().count();
  return fmt::format("{}{}.{:09}s", count < 0 ? "-" : "", std::abs(count / kNanoseconds),
                     std::abs(count % kNanoseconds));
}

std::string line(const ClientOperation& operation, bool marked) {
  return fmt::format("{} {:>16} .. {:<16} client {:<3} {}\n", marked ? ">" : " ",
                     seconds(operation.invoked), seconds(operation.completed), operation.client,
                     print_operation(operation));
}

// Whether it may have left, or may have read, what `operation` found.
bool concerns(const ClientOperation& other, const ClientOperation& operation) {
  if (!operation.found) return false;
  if (!*operation.found) return other.kind == OperationKind::remove;
  const bool stores =
      other.kind == OperationKind::put || other.kind == OperationKind::compare_and_set;
  return stores && other.value == **operation.found;
}

// The operations to show, in the order of invocation.
std::vector<std::size_t> around(std::span<const ClientOperation> history,
                                std::span<const std::size_t> of_key, std::size_t middle) {
  const ClientOperation& operation = history[middle];
  std::vector<std::size_t> before;
  std::vector<std::size_t> at_once;
  std::vector<std::size_t> sources;
  for (const std::size_t i : of_key) {
    const ClientOperation& other = history[i];
    if (i == middle || other.invoked > operation.completed) continue;
    if (other.completed < operation.invoked) before.push_back(i);
    if (other.completed != kNever && other.completed >= operation.invoked) at_once.push_back(i);
    if (concerns(other, operation)) sources.push_back(i);
  }
  std::ranges::sort(before, {}, [&](std::size_t i) { return std::pair(history[i].completed, i); });
  const auto keep_last = [](std::vector<std::size_t>& of, std::size_t count) {
    if (of.size() > count) of.erase(of.begin(), of.end() - static_cast<std::ptrdiff_t>(count));
  };
  keep_last(before, kShownBefore);
  keep_last(at_once, kShownAtOnce);
  keep_last(sources, kShownSources);
  std::set<std::size_t> shown{middle};
  for (const auto& some : {before, at_once, sources}) shown.insert(some.begin(), some.end());
  std::vector<std::size_t> sorted(shown.begin(), shown.end());
  std::ranges::sort(sorted, {}, [&](std::size_t i) { return std::pair(history[i].invoked, i); });
  return sorted;
}

}  // namespace

std::string write_excerpt(std::span<const ClientOperation> history,
                          std::span<const std::size_t> of_key, const LinearizabilityReport& report,
                          std::span<const OrderedOperation> order) {
  const ClientOperation& operation = history[report.operation];
  const bool undecided = report.verdict == Linearizability::undecided;
  std::string text = fmt::format(
      "key {}, {} operations: {}\n{}:\n{}", print_value(operation.key), of_key.size(),
      undecided ? "undecided whether linearizable" : "not linearizable",
      undecided ? "the search went this far before it met its limits"
                : "an order explains all that completed before this answer, none explains it too",
      line(operation, true));
  text += "around it, and what may have left the value that it found:\n";
  for (const std::size_t i : around(history, of_key, report.operation)) {
    text += line(history[i], i == report.operation);
  }
  text += undecided ? "the longest order that was found ends with:\n"
                    : "an order that explains what completed before ends with:\n";
  for (const OrderedOperation& ordered : order) {
    text += fmt::format("  client {:<3} {}, leaves {}\n", ordered.operation->client,
                        print_operation(*ordered.operation), print_value(ordered.leaves));
  }
  if (order.empty()) text += "  nothing: the key is absent\n";
  return text;
}

}  // namespace coracle::raft::sim
