#include "net/sim/path.h"

#include <algorithm>

namespace coracle::net::sim {

TimePoint Path::carry(Random& random, TimePoint now, std::size_t bytes) {
  const Duration latency = link_->latency.draw(random);
  if (link_->bytes_per_second <= 0) return deadline_after(now, latency);
  // A segment has at most 16 KiB: in nanoseconds that fits in 64 bits.
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const Duration sending(static_cast<std::int64_t>(bytes) * kNanosecondsPerSecond /
                         link_->bytes_per_second);
  free_at_ = deadline_after(std::max(now, free_at_), sending);
  return deadline_after(free_at_, latency);
}

}  // namespace coracle::net::sim
