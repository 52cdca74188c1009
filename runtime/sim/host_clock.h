// The clock of a simulated host: world time, as a host that is wrong about it sees it.
#pragma once

#include <cstdint>

#include "runtime/time.h"

namespace coracle::sim {

// Monotonic: rates may change and jumps go forward only.
class HostClock {
 public:
  static constexpr std::int64_t kTrueRate = 1'000'000;

  // Returns    what it shows at a time of the world.
  //   Requires   a time that is not before the last change.
  [[nodiscard]] TimePoint shown_at(TimePoint world) const;

  // Returns    the first time of the world at which it shows `shown` or more; kNever if it stands.
  [[nodiscard]] TimePoint world_time_of(TimePoint shown) const;

  // From `world` on it goes at `millionths` of the true rate: 1,000,000 is right, 0 stands still,
  // 1,001,000 gains 86 s a day.
  //   Requires   0 <= millionths <= 100,000,000.
  void set_rate(TimePoint world, std::int64_t millionths);
  [[nodiscard]] std::int64_t rate() const { return rate_; }

  // At `world` it jumps ahead.
  //   Requires   ahead >= 0.
  void jump(TimePoint world, Duration ahead);

 private:
  TimePoint world_{};  // of the last change
  TimePoint shown_{};  // then
  std::int64_t rate_ = kTrueRate;
};

}  // namespace coracle::sim
