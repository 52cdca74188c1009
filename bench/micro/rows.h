// The rows of the table of micro-costs. Each function is one operation done by one contender:
// `floor` is the least that a coroutine can cost, written by hand; the others are what their
// users would write. Each sets the number of operations, from which the driver takes CPU per
// operation.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace bench {

inline constexpr int kChainDepth = 64;
inline constexpr int kGroupSize = 64;
inline constexpr int kArmedTimers = 100'000;
inline constexpr int kSleepers = 100'000;
inline constexpr int kSleepsEach = 10;
inline constexpr int kSleepMaxMs = 100;

// Durations for the timer rows, the same for each contender: cheap, and spread evenly enough.
class Spread {
 public:
  // From 1 to `most`.
  int next(int most) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return 1 + static_cast<int>((state_ >> 33U) % static_cast<unsigned>(most));
  }

 private:
  std::uint64_t state_ = 42;
};

namespace floor {
void await_ready_child(benchmark::State& state);
void await_chain(benchmark::State& state);
void yield_turn(benchmark::State& state);
void spawn_and_join(benchmark::State& state);
void channel_both_ways(benchmark::State& state);
}  // namespace floor

namespace uv {
void arm_and_cancel_timer(benchmark::State& state);
void sleep_many(benchmark::State& state);
}  // namespace uv

namespace asio_peer {
void await_ready_child(benchmark::State& state);
void await_chain(benchmark::State& state);
void yield_turn(benchmark::State& state);
void spawn_and_join(benchmark::State& state);
void channel_both_ways(benchmark::State& state);
void operation_with_timeout(benchmark::State& state);
void arm_and_cancel_timer(benchmark::State& state);
void sleep_many(benchmark::State& state);
void cancel_four_deep(benchmark::State& state);
}  // namespace asio_peer

namespace ours {
void await_ready_child(benchmark::State& state);
void await_chain(benchmark::State& state);
void yield_turn(benchmark::State& state);
void spawn_and_join(benchmark::State& state);
void spawn_in_group(benchmark::State& state);
void channel_both_ways(benchmark::State& state);
void operation_with_timeout(benchmark::State& state);
void arm_and_cancel_timer(benchmark::State& state);
void sleep_many(benchmark::State& state);
void cancel_four_deep(benchmark::State& state);
}  // namespace ours

}  // namespace bench
