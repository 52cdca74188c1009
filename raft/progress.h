// What a leader knows of one follower's log, and what it may send next. (Raft Figure 2: nextIndex
// and matchIndex.)
//
//            begin                    accept
//   election ------> probe: one at a ------> replicate: one batch behind
//                    time, to find   <------ the other, within the window
//                    where the logs   refuse, lost
//                    meet
#pragma once

#include <cstddef>

#include "raft/options.h"
#include "raft/types.h"

namespace coracle::raft {

class Progress {
 public:
  // An election was won: the follower is asked from `next` on, and nothing is known to match.
  void begin(LogIndex next);

  // matchIndex: up to here its log is the leader's, and durable.
  [[nodiscard]] LogIndex matched() const { return matched_; }
  // nextIndex: the first entry to send.
  [[nodiscard]] LogIndex next() const { return next_; }
  [[nodiscard]] bool probes() const { return probes_; }
  [[nodiscard]] std::size_t messages_in_flight() const { return messages_; }
  [[nodiscard]] std::size_t bytes_in_flight() const { return bytes_; }

  // Returns whether entries may be sent to it now: there are some, and the window is open.
  [[nodiscard]] bool may_send(LogIndex last, const Replication& limits) const;

  // A message with so many entries, in so many bytes, has left; and one of so many bytes is on the
  // way no more, whether it was answered or not.
  void sent(LogIndex entries, std::size_t bytes);
  void ended(std::size_t bytes);

  // What the follower says of a message with `entries` entries right behind index `previous`:
  // They are there. `matched`: so much of that is durable.
  //   Returns    whether matched() is higher than before.
  //   Requires   matched <= previous + entries.
  bool accept(LogIndex previous, LogIndex entries, LogIndex matched);
  // `previous` is not there, and `look_at` is the entry to send next.
  //   Returns    false where that is old news, and changes nothing: one refusal of many that were
  //              on the way causes one resend. (A9)
  bool refuse(LogIndex previous, LogIndex look_at);
  // No answer: it may have got it or not. A probe is sent again as it was; else what is not known
  // to match is.
  void lost();

 private:
  LogIndex matched_ = 0;
  LogIndex next_ = 1;
  bool probes_ = true;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coracle::raft
