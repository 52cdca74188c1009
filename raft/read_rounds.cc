#include "raft/read_rounds.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::raft {

ReadRound ReadRounds::ask() {
  if (is_stamped_ || !is_open()) asked_ = current_ + 1;
  if (!is_open() && asked_ > current_) {
    current_ = asked_;
    is_stamped_ = false;
  }
  return asked_;
}

void ReadRounds::confirm(ReadRound round) {
  CORACLE_CHECK(round <= current_, "only rounds that began are answered");
  confirmed_ = std::max(confirmed_, round);
  if (is_open() || asked_ <= current_) return;
  current_ = asked_;
  is_stamped_ = false;
}

}  // namespace coracle::raft
