// The row about messages between fibers with Coracle.
#include <functional>

#include "bench/micro/rows.h"
#include "runtime/channel.h"
#include "runtime/run.h"
#include "runtime/task_group.h"

namespace bench::ours {
namespace {

using coracle::Channel;
using coracle::Task;
using coracle::TaskGroup;

Task<> send_back(Channel<int>& in, Channel<int>& out) {
  while (const auto value = co_await in.receive()) co_await out.send(*value);
}

Task<> send_both_ways(benchmark::State& state) {
  Channel<int> there(1);
  Channel<int> back(1);
  co_await coracle::task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("send back", send_back, std::ref(there), std::ref(back));
    int sum = 0;
    for (auto _ : state) {
      co_await there.send(1);
      sum += (co_await back.receive()).value_or(0);
    }
    benchmark::DoNotOptimize(sum);
    there.close();
  });
}

}  // namespace

void channel_both_ways(benchmark::State& state) {
  coracle::run(send_both_ways(state));
  state.SetItemsProcessed(state.iterations());
}

}  // namespace bench::ours
