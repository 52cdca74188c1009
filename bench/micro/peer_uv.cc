// The timer rows with raw libuv: callbacks, one uv_timer_t each.
#include <uv.h>

#include <cstddef>
#include <vector>

#include "bench/micro/rows.h"

namespace bench::uv {
namespace {

struct Timer {
  uv_timer_t handle;
  Spread* spread;
  int sleeps_left;
};

void sleep_again(uv_timer_t* handle) {
  auto* timer = static_cast<Timer*>(handle->data);
  if (timer->sleeps_left-- == 0) return;
  const auto ms = static_cast<std::uint64_t>(timer->spread->next(kSleepMaxMs));
  uv_timer_start(handle, sleep_again, ms, 0);
}

class Timers {
 public:
  explicit Timers(std::size_t count) : timers_(count) {
    uv_loop_init(&loop_);
    for (Timer& timer : timers_) {
      uv_timer_init(&loop_, &timer.handle);
      timer.handle.data = &timer;
    }
  }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers() {
    for (Timer& timer : timers_) uv_close(reinterpret_cast<uv_handle_t*>(&timer.handle), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void start(std::size_t index, int ms) {
    uv_timer_start(&timers_[index].handle, sleep_again, static_cast<std::uint64_t>(ms), 0);
  }
  void stop(std::size_t index) { uv_timer_stop(&timers_[index].handle); }

  void sleep_all(Spread& spread) {
    uv_update_time(&loop_);
    for (Timer& timer : timers_) {
      timer.spread = &spread;
      timer.sleeps_left = kSleepsEach;
      sleep_again(&timer.handle);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

 private:
  uv_loop_t loop_;
  std::vector<Timer> timers_;
};

}  // namespace

void arm_and_cancel_timer(benchmark::State& state) {
  Timers timers(kArmedTimers + 1);
  Spread spread;
  for (std::size_t i = 0; i < kArmedTimers; ++i)
    timers.start(i, 1'000'000 + spread.next(1'000'000));
  for (auto _ : state) {
    timers.start(kArmedTimers, 1'000'000 + spread.next(1'000'000));
    timers.stop(kArmedTimers);
  }
  state.SetItemsProcessed(state.iterations());
}

void sleep_many(benchmark::State& state) {
  for (auto _ : state) {
    Timers timers(kSleepers);
    Spread spread;
    timers.sleep_all(spread);
  }
  state.SetItemsProcessed(state.iterations() * kSleepers * kSleepsEach);
}

}  // namespace bench::uv
