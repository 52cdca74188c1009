#include "runtime/ticker.h"

#include "runtime/check.h"
#include "runtime/loop.h"

namespace coracle {

Ticker::Ticker(Duration interval, TimePoint start)
    : interval_(interval), next_(deadline_after(start, interval)) {
  CORACLE_CHECK(interval > Duration::zero(), "a ticker has an interval above 0");
}

// All points up to now count as returned, so that no burst follows. (Nothing here overflows: the
// points that have passed can be represented.)
std::int64_t Ticker::pass() {
  const std::int64_t missed = (now() - next_) / interval_;
  next_ = deadline_after(next_ + missed * interval_, interval_);
  return 1 + missed;
}

// A point that has passed expires in the next pass as well: after the poll, so that a ticker whose
// work takes longer than its interval does not keep I/O waiting.
void Ticker::Tick::start() {
  CORACLE_CHECK(ticker_->waiting_.empty(), "one task at a time waits for a ticker");
  ticker_->waiting_.push_back(*this);
  fiber()->loop().timers().arm(*this, ticker_->next_);
}

std::int64_t Ticker::Tick::take() {
  unlink();
  return ticker_->pass();
}

void Ticker::Tick::on_cancel() {
  on_tear_down();
  finish_canceled();
}

void Ticker::Tick::on_tear_down() {
  unlink();
  fiber()->loop().timers().disarm(*this);
}

}  // namespace coracle
