// Holds threads of the pool until a test lets them go.
#pragma once

#include <atomic>
#include <thread>

#include "runtime/run_blocking.h"
#include "runtime/task_group.h"

namespace coracle {

// Jobs that wait in pass() are under way, and stay so until open() is called.
class PoolGate {
 public:
  static constexpr int kThreads = 4;  // libuv's pool, unless UV_THREADPOOL_SIZE says otherwise

  // For the pool's threads.
  void pass() {
    ++waiting_;
    open_.wait(false);
    --waiting_;
  }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  // Blocks until `count` jobs are under way.
  void wait_for(int count) const {
    while (waiting_ < count) std::this_thread::yield();
  }

 private:
  std::atomic<int> waiting_ = 0;
  std::atomic<bool> open_ = false;
};

// Awaits a job that waits in the gate.
inline Task<> wait_in(PoolGate& gate) {
  co_await run_blocking([&gate] { gate.pass(); });
}

// Occupies the whole pool, so that nothing asked for later begins.
inline void occupy_pool(TaskGroup& group, PoolGate& gate) {
  for (int i = 0; i < PoolGate::kThreads; ++i) group.spawn("occupant", wait_in, std::ref(gate));
}

}  // namespace coracle
