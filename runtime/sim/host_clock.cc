#include "runtime/sim/host_clock.h"

#include "runtime/check.h"

namespace coracle::sim {
namespace {

constexpr std::int64_t kFastest = 100 * HostClock::kTrueRate;

}  // namespace

TimePoint HostClock::shown_at(TimePoint world) const {
  CORACLE_CHECK(world >= world_, "a clock is asked for the present");
  if (rate_ == kTrueRate) return shown_ + (world - world_);
  // In two parts, so that nothing overflows in a world that lasts for years.
  const std::int64_t passed = (world - world_).count();
  const std::int64_t millionths = (passed % kTrueRate) * rate_;
  return shown_ + Duration((passed / kTrueRate) * rate_ + millionths / kTrueRate);
}

TimePoint HostClock::world_time_of(TimePoint shown) const {
  if (shown <= shown_) return world_;
  const Duration ahead = shown - shown_;
  if (rate_ == kTrueRate) return deadline_after(world_, ahead);
  if (rate_ == 0) return kNever;
  // Rounded up: the first nanosecond that shows it.
  const std::int64_t whole = ahead.count() / rate_;
  const std::int64_t rest = (ahead.count() % rate_) * kTrueRate;
  if (whole >= (kNever - world_).count() / kTrueRate) return kNever;
  return world_ + Duration(whole * kTrueRate + (rest + rate_ - 1) / rate_);
}

void HostClock::set_rate(TimePoint world, std::int64_t millionths) {
  CORACLE_CHECK(millionths >= 0 && millionths <= kFastest, "a clock's rate is 0 to 100");
  shown_ = shown_at(world);
  world_ = world;
  rate_ = millionths;
}

void HostClock::jump(TimePoint world, Duration ahead) {
  CORACLE_CHECK(ahead >= Duration::zero(), "a monotonic clock jumps ahead only");
  shown_ = deadline_after(shown_at(world), ahead);
  world_ = world;
}

}  // namespace coracle::sim
