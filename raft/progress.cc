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
  if (next_ > last || waits_) return false;
  if (probes_) return messages_ == 0;
  return messages_ < limits.window_messages && bytes_ < limits.window_bytes;
}

void Progress::sent(RequestId request, LogIndex entries, std::size_t bytes) {
  CORACLE_CHECK(request > last_sent_, "requests are numbered");
  last_sent_ = request;
  ++messages_;
  bytes_ += bytes;
  sent_up_to_ = next_ - 1 + entries;
  if (!probes_) next_ = sent_up_to_ + 1;  // the next batch need not wait for the answer
}

void Progress::ended(RequestId request, std::size_t bytes) {
  if (request < first_counted_) return;
  CORACLE_CHECK(messages_ > 0 && bytes_ >= bytes, "what ends was on the way (B35)");
  --messages_;
  bytes_ -= bytes;
}

void Progress::forget_in_flight() {
  first_counted_ = last_sent_ + 1;
  sent_up_to_ = 0;
  messages_ = 0;
  bytes_ = 0;
}

bool Progress::accept(LogIndex previous, LogIndex entries, LogIndex matched) {
  const LogIndex end = previous + entries;
  CORACLE_CHECK(matched <= end, "no more matches than was compared (A3)");
  probes_ = false;
  waits_ = false;
  next_ =
      std::max({next_, end + 1, sent_up_to_ + 1});  // a probe that is on the way need not return
  const bool is_news = matched > matched_;
  matched_ = std::max(matched_, matched);
  if (matched_ + 1 == next_) forget_in_flight();  // it has all that ever left
  return is_news;
}

// The search only ever goes down: what is behind the next entry to send was refused before, or
// before the logs were found to meet; and what is known to match is never looked for again.
bool Progress::refuse(LogIndex previous, LogIndex look_at) {
  if (previous <= matched_ || previous >= next_) return false;
  probes_ = true;
  waits_ = false;
  next_ = std::clamp(look_at, matched_ + 1, previous);
  forget_in_flight();
  return true;
}

// Where it replicates, all that was on the way may be lost.
void Progress::lost(RequestId request) {
  if (request < first_counted_) return;
  if (!probes_) next_ = matched_ + 1;
  probes_ = true;
  waits_ = true;
  forget_in_flight();
}

}  // namespace coracle::raft
