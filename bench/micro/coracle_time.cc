// The rows about timeouts and timers with Coracle.
#include <deque>
#include <functional>

#include "bench/micro/rows.h"
#include "runtime/loop.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace bench::ours {
namespace {

using coracle::Task;
using coracle::TaskGroup;
using namespace std::chrono_literals;

Task<> time_operations(benchmark::State& state) {
  bool in_time = true;
  for (auto _ : state) in_time &= co_await coracle::within(1s, coracle::yield());
  if (!in_time) state.SkipWithError("a timeout fired");
}

class Timer final : public coracle::TimerNode {
 public:
  void arm(int ms) {
    coracle::Loop::current().timers().arm(*this, coracle::now() + std::chrono::milliseconds(ms));
  }
  void disarm() { coracle::Loop::current().timers().disarm(*this); }

 private:
  void expired() override {}
};

Task<> arm_and_cancel_timers(benchmark::State& state) {
  Spread spread;
  std::deque<Timer> armed(kArmedTimers);
  for (Timer& timer : armed) timer.arm(1'000'000 + spread.next(1'000'000));
  Timer timer;
  for (auto _ : state) {
    timer.arm(1'000'000 + spread.next(1'000'000));
    timer.disarm();
  }
  for (Timer& other : armed) other.disarm();
  co_return;
}

Task<> sleep_often(Spread& spread) {
  for (int i = 0; i < kSleepsEach; ++i) {
    co_await coracle::sleep_for(std::chrono::milliseconds(spread.next(kSleepMaxMs)));
  }
}

Task<> sleep_all() {
  Spread spread;
  co_await coracle::task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < kSleepers; ++i) group.spawn("sleeper", sleep_often, std::ref(spread));
    co_return;
  });
}

}  // namespace

void operation_with_timeout(benchmark::State& state) {
  coracle::run(time_operations(state));
  state.SetItemsProcessed(state.iterations());
}

void arm_and_cancel_timer(benchmark::State& state) {
  coracle::run(arm_and_cancel_timers(state));
  state.SetItemsProcessed(state.iterations());
}

void sleep_many(benchmark::State& state) {
  for (auto _ : state) coracle::run(sleep_all());
  state.SetItemsProcessed(state.iterations() * kSleepers * kSleepsEach);
}

}  // namespace bench::ours
