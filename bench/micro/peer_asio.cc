// The rows as one writes them with Asio's coroutines, on one thread.
#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <chrono>
#include <vector>

#include "bench/micro/rows.h"

namespace bench::asio_peer {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using Channel = asio::experimental::channel<void(std::error_code, int)>;
using namespace std::chrono_literals;

[[gnu::noinline]] awaitable<int> ready_child(int value) { co_return value; }

[[gnu::noinline]] awaitable<int> nest(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await nest(depth - 1);
}

[[gnu::noinline]] awaitable<void> child() { co_return; }

awaitable<void> await_ready_children(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await ready_child(1);
  benchmark::DoNotOptimize(sum);
}

awaitable<void> await_chains(benchmark::State& state) {
  int sum = 0;
  for (auto _ : state) sum += co_await nest(kChainDepth);
  benchmark::DoNotOptimize(sum);
}

awaitable<void> yield_turns(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  for (auto _ : state) co_await asio::post(executor, use_awaitable);
}

awaitable<void> spawn_and_join_children(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  for (auto _ : state) co_await asio::co_spawn(executor, child(), use_awaitable);
}

awaitable<void> send_back(Channel& in, Channel& out) {
  for (;;) {
    const int value = co_await in.async_receive(use_awaitable);
    if (value < 0) co_return;
    co_await out.async_send(std::error_code(), value, use_awaitable);
  }
}

awaitable<void> send_both_ways(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  Channel there(executor, 1);
  Channel back(executor, 1);
  asio::co_spawn(executor, send_back(there, back), asio::detached);
  int sum = 0;
  for (auto _ : state) {
    co_await there.async_send(std::error_code(), 1, use_awaitable);
    sum += co_await back.async_receive(use_awaitable);
  }
  benchmark::DoNotOptimize(sum);
  co_await there.async_send(std::error_code(), -1, use_awaitable);
  co_await asio::post(executor, use_awaitable);  // the other side ends before the channels do
  co_await asio::post(executor, use_awaitable);
}

awaitable<void> time_operations(benchmark::State& state) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  for (auto _ : state) {
    timer.expires_after(1s);
    co_await (asio::post(executor, use_awaitable) || timer.async_wait(use_awaitable));
  }
}

awaitable<void> sleep_often(Spread& spread) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int i = 0; i < kSleepsEach; ++i) {
    timer.expires_after(std::chrono::milliseconds(spread.next(kSleepMaxMs)));
    co_await timer.async_wait(use_awaitable);
  }
}

[[gnu::noinline]] awaitable<void> wait_deep(int depth, bool& waiting) {
  if (depth > 1) {
    co_await wait_deep(depth - 1, waiting);
  } else {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(1h);
    waiting = true;
    co_await timer.async_wait(use_awaitable);
  }
}

awaitable<void> cancel_children(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  for (auto _ : state) {
    bool waiting = false;
    bool ended = false;
    asio::cancellation_signal stop;
    asio::co_spawn(executor, wait_deep(4, waiting),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&ended](const std::exception_ptr&) { ended = true; }));
    while (!waiting) co_await asio::post(executor, use_awaitable);
    stop.emit(asio::cancellation_type::terminal);
    while (!ended) co_await asio::post(executor, use_awaitable);
  }
}

void run(benchmark::State& state, awaitable<void> (*main)(benchmark::State&)) {
  asio::io_context context(1);
  asio::co_spawn(context, main(state), asio::detached);
  context.run();
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

void channel_both_ways(benchmark::State& state) { run(state, send_both_ways); }

void operation_with_timeout(benchmark::State& state) { run(state, time_operations); }

void arm_and_cancel_timer(benchmark::State& state) {
  asio::io_context context(1);
  Spread spread;
  std::vector<asio::steady_timer> armed;
  armed.reserve(kArmedTimers);
  for (int i = 0; i < kArmedTimers; ++i) {
    armed.emplace_back(context, std::chrono::milliseconds(1'000'000 + spread.next(1'000'000)));
    armed.back().async_wait([](std::error_code) {});
  }
  asio::steady_timer timer(context);
  int since_poll = 0;
  for (auto _ : state) {
    timer.expires_after(std::chrono::milliseconds(1'000'000 + spread.next(1'000'000)));
    timer.async_wait([](std::error_code) {});
    timer.cancel();
    if (++since_poll == 64) {  // runs the handlers of the canceled waits
      context.poll();
      since_poll = 0;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void sleep_many(benchmark::State& state) {
  for (auto _ : state) {
    asio::io_context context(1);
    Spread spread;
    for (int i = 0; i < kSleepers; ++i) {
      asio::co_spawn(context, sleep_often(spread), asio::detached);
    }
    context.run();
  }
  state.SetItemsProcessed(state.iterations() * kSleepers * kSleepsEach);
}

void cancel_four_deep(benchmark::State& state) { run(state, cancel_children); }

}  // namespace bench::asio_peer
