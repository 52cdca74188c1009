// Awaiting several things at once. Each branch runs in a child fiber of the caller's.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

#include "runtime/awaited.h"
#include "runtime/task_group.h"

namespace coracle {

// What race() returns.
template <class... T>
struct RaceResult {
  RaceResult() = default;

  // Which branch finished first, counted from 0.
  std::size_t index = 0;
  // The results of all branches that finished before their cancellation took effect: at least
  // `index`'s, and nothing that was received is dropped.
  std::tuple<std::optional<T>...> results;
};

namespace combinator_detail {

// Throws the first failure of a branch; Canceled if the outcome is not complete without those
// that were canceled.
void finish_branches(TaskGroup& group, bool complete);

template <Awaitable A, class AtEnd>
Task<> run_branch(A* awaitable, std::optional<AwaitedValue<A>>* result, AtEnd at_end) {
  if constexpr (std::is_void_v<Awaited<A>>) {
    co_await std::move(*awaitable);
    result->emplace();
  } else {
    result->emplace(co_await std::move(*awaitable));
  }
  at_end();
}

template <Awaitable A, class AtEnd>
void adopt_branch(TaskGroup& group, A& awaitable, std::optional<AwaitedValue<A>>& result,
                  AtEnd at_end) {
  auto* function = &run_branch<A, AtEnd>;
  group.adopt(spawned::child<decltype(function), A*, std::optional<AwaitedValue<A>>*, AtEnd>(
      {group, group.opener().name()}, function, &awaitable, &result, at_end));
}

template <class Results, std::size_t... I, class... A>
bool adopt_all(std::index_sequence<I...>, TaskGroup& group, Results& results, A&... awaitables) {
  (adopt_branch(group, awaitables, std::get<I>(results), [] {}), ...);
  return true;
}

template <class Result, std::size_t... I, class... A>
void adopt_racers(std::index_sequence<I...>, TaskGroup& group, Result& result,
                  std::optional<std::size_t>& winner, A&... awaitables) {
  (adopt_branch(group, awaitables, std::get<I>(result.results),
                [&group, &winner] {
                  if (winner) return;
                  winner = I;
                  group.cancel();
                }),
   ...);
}

}  // namespace combinator_detail

// Awaits all of them at once.
//   Returns    their results in order, in a tuple; std::monostate for one without a result.
//   Throws     the first exception, after the other branches were canceled and have ended.
//   Canceled   hands the request to all branches, waits for them, and throws; results of branches
//              that had finished are dropped with the call.
template <Awaitable... A>
[[nodiscard]] Task<std::tuple<AwaitedValue<A>...>> when_all(A... awaitables) {
  std::tuple<std::optional<AwaitedValue<A>>...> results;
  TaskGroup group;
  combinator_detail::adopt_all(std::index_sequence_for<A...>(), group, results, awaitables...);
  co_await group.join();
  const bool complete =
      std::apply([](const auto&... result) { return (result.has_value() && ...); }, results);
  combinator_detail::finish_branches(group, complete);
  co_return std::apply(
      [](auto&... result) { return std::tuple<AwaitedValue<A>...>(std::move(*result)...); },
      results);
}

// Awaits all of them at once until the first has finished, then cancels the others and waits for
// them.
//   Returns    which was first, and every result that came before its cancellation took effect.
//   Throws     the exception of a branch that failed before any finished, or of any branch that
//              failed instead of stopping.
//   Canceled   hands the request to all branches, waits for them, and throws if none had finished.
template <Awaitable... A>
  requires(sizeof...(A) > 0)
[[nodiscard]] Task<RaceResult<AwaitedValue<A>...>> race(A... awaitables) {
  RaceResult<AwaitedValue<A>...> result;
  std::optional<std::size_t> winner;
  TaskGroup group;
  combinator_detail::adopt_racers(std::index_sequence_for<A...>(), group, result, winner,
                                  awaitables...);
  co_await group.join();
  combinator_detail::finish_branches(group, winner.has_value());
  result.index = *winner;
  co_return result;
}

}  // namespace coracle
