// The rows about tasks with Coracle, as its users write them.
#include "bench/micro/rows.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace bench::ours {
namespace {

using coracle::Task;
using coracle::TaskGroup;
using namespace std::chrono_literals;

[[gnu::noinline]] Task<int> ready_child(int value) { co_return value; }

[[gnu::noinline]] Task<int> nest(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await nest(depth - 1);
}

[[gnu::noinline]] Task<> child() { co_return; }

Task<> await_ready_children(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await ready_child(1);
  benchmark::DoNotOptimize(sum);
}

Task<> await_chains(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await nest(kChainDepth);
  benchmark::DoNotOptimize(sum);
}

Task<> yield_turns(benchmark::State& state) {
  for (auto _ : state) co_await coracle::yield();
}

Task<> spawn_and_join_children(benchmark::State& state) {
  for (auto _ : state) {
    co_await coracle::task_group([](TaskGroup& group) -> Task<> {
      group.spawn("child", child);
      co_return;
    });
  }
}

// A group's children are joined together: what one more costs.
Task<> spawn_groups(benchmark::State& state) {
  for (auto _ : state) {
    co_await coracle::task_group([](TaskGroup& group) -> Task<> {
      for (int i = 0; i < kGroupSize; ++i) group.spawn("child", child);
      co_return;
    });
  }
}

[[gnu::noinline]] Task<> wait_deep(int depth) {
  if (depth > 1) {
    co_await wait_deep(depth - 1);
  } else {
    co_await coracle::sleep_for(1h);
  }
}

Task<> cancel_children(benchmark::State& state) {
  for (auto _ : state) {
    co_await coracle::task_group([](TaskGroup& group) -> Task<> {
      group.spawn("deep", wait_deep, 4);
      co_await coracle::yield();  // it runs until it sleeps
      group.cancel();
    });
  }
}

void run(benchmark::State& state, Task<> (*main)(benchmark::State&)) {
  coracle::run(main(state));
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void await_ready_child(benchmark::State& state) { run(state, await_ready_children); }

void await_chain(benchmark::State& state) {
  run(state, await_chains);
  state.SetItemsProcessed(state.iterations() * kChainDepth);
}

void yield_turn(benchmark::State& state) { run(state, yield_turns); }

void spawn_and_join(benchmark::State& state) { run(state, spawn_and_join_children); }

void spawn_in_group(benchmark::State& state) {
  run(state, spawn_groups);
  state.SetItemsProcessed(state.iterations() * kGroupSize);
}

void cancel_four_deep(benchmark::State& state) { run(state, cancel_children); }

}  // namespace bench::ours
