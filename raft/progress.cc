#include "raft/progress.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::raft {

// What was on the way in an earlier leadership ended with it.
void Progress::begin(LogIndex next) {
  *this = Progress();
  next_ = next;
}

bool Progress::may_send(LogIndex last, const Replication& limits) const {
  if (next_ > last) return false;
  if (probes_) return messages_ == 0;
  return messages_ < limits.window_messages && bytes_ < limits.window_bytes;
}

void Progress::sent(LogIndex entries, std::size_t bytes) {
  ++messages_;
  bytes_ += bytes;
  if (!probes_) next_ += entries;  // the next batch need not wait for the answer
}

void Progress::ended(std::size_t bytes) {
  CORACLE_CHECK(messages_ > 0 && bytes_ >= bytes, "what ends was on the way (B35)");
  --messages_;
  bytes_ -= bytes;
}

bool Progress::accept(LogIndex previous, LogIndex entries, LogIndex matched) {
  const LogIndex end = previous + entries;
  CORACLE_CHECK(matched <= end, "no more matches than was compared (A3)");
  probes_ = false;
  next_ = std::max(next_, end + 1);
  const bool is_news = matched > matched_;
  matched_ = std::max(matched_, matched);
  return is_news;
}

// The search only ever goes down: what is behind the next entry to send was refused before, or
// before the logs were found to meet; and what is known to match is never looked for again.
bool Progress::refuse(LogIndex previous, LogIndex look_at) {
  if (previous <= matched_ || previous >= next_) return false;
  probes_ = true;
  next_ = std::clamp(look_at, matched_ + 1, previous);
  return true;
}

// A lost probe is sent again as it was; where it replicates, all that was on the way may be lost.
void Progress::lost() {
  if (!probes_) next_ = matched_ + 1;
  probes_ = true;
}

}  // namespace coracle::raft
