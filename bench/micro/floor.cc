#include "bench/micro/minimal_task.h"
#include "bench/micro/rows.h"

namespace bench::floor {
namespace {

[[gnu::noinline]] Task ready_child(int value) { co_return value; }

[[gnu::noinline]] Task nest(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await nest(depth - 1);
}

[[gnu::noinline]] Spawned child(ReadyQueue& /*queue*/, Join& /*join*/) { co_return; }

[[gnu::noinline]] Spawned send_back(ReadyQueue& /*queue*/, Join& /*join*/, Slot& in, Slot& out) {
  for (;;) {
    const int value = co_await in;
    if (value < 0) co_return;
    out.send(value);
  }
}

Task await_ready_children(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await ready_child(1);
  co_return sum;
}

Task await_chains(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await nest(kChainDepth);
  co_return sum;
}

Task yield_turns(benchmark::State& state, ReadyQueue& queue) {
  for (auto _ : state) co_await Yield(queue);
  co_return 0;
}

Task spawn_and_join_children(benchmark::State& state, ReadyQueue& queue) {
  for (auto _ : state) {
    Join join(queue);
    child(queue, join);
    co_await join;
  }
  co_return 0;
}

Task send_both_ways(benchmark::State& state, ReadyQueue& queue) {
  Join join(queue);
  Slot there(queue);
  Slot back(queue);
  send_back(queue, join, there, back);
  int sum = 0;
  for (auto _ : state) {
    there.send(1);
    sum += co_await back;
  }
  there.send(-1);
  co_await join;
  co_return sum;
}

void run(Task task) { task.start(); }

void run(Task task, ReadyQueue& queue) {
  task.start();
  queue.run();
}

}  // namespace

void await_ready_child(benchmark::State& state) {
  run(await_ready_children(state));
  state.SetItemsProcessed(state.iterations());
}

void await_chain(benchmark::State& state) {
  run(await_chains(state));
  state.SetItemsProcessed(state.iterations() * kChainDepth);
}

void yield_turn(benchmark::State& state) {
  ReadyQueue queue;
  run(yield_turns(state, queue), queue);
  state.SetItemsProcessed(state.iterations());
}

void spawn_and_join(benchmark::State& state) {
  ReadyQueue queue;
  run(spawn_and_join_children(state, queue), queue);
  state.SetItemsProcessed(state.iterations());
}

void channel_both_ways(benchmark::State& state) {
  ReadyQueue queue;
  run(send_both_ways(state, queue), queue);
  state.SetItemsProcessed(state.iterations());
}

}  // namespace bench::floor
