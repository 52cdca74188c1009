// What a leader knows of one follower's log, and what it may send next. (Raft Figure 2: nextIndex
// and matchIndex.)
//
//            begin                    accept
//   election ------> probe: one at a ------> replicate: one batch behind
//                    time, to find   <------ the other, within the window
//                    where the logs   refuse        |
//                    meet                           | lost
//                      ^                  accept    v
//                      '---------------- wait for an answer to a heartbeat
//                           refuse
//
// Heartbeats ask for the entry before the next one to send, so they find out what was lost, and
// what has arrived after all: no answer to a batch is needed for that.
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

  // The request of this number, with so many entries, in so many bytes, has left; and one is on the
  // way no more, whether it was answered or not. What had left before the follower was found to
  // have all, or not to have something, or to be gone, counts no more.
  //   Requires   numbers that rise.
  void sent(RequestId request, LogIndex entries, std::size_t bytes);
  void ended(RequestId request, std::size_t bytes);

  // What the follower says of a message with `entries` entries right behind index `previous`:
  // They are there. `matched`: so much of that is durable.
  //   Returns    whether matched() is higher than before.
  //   Requires   matched <= previous + entries.
  bool accept(LogIndex previous, LogIndex entries, LogIndex matched);
  // `previous` is not there, and `look_at` is the entry to send next.
  //   Returns    false where that is old news, and changes nothing: one refusal of many that were
  //              on the way causes one resend. (A9)
  bool refuse(LogIndex previous, LogIndex look_at);
  // A request has no answer, and will have none: it may have got it or not. Nothing is sent before
  // it answers something else. Then a probe is sent again as it was; else what is not known to
  // match is.
  void lost(RequestId request);

 private:
  void forget_in_flight();

  LogIndex matched_ = 0;
  LogIndex next_ = 1;
  bool probes_ = true;
  bool waits_ = false;  // for any answer
  RequestId last_sent_ = 0;
  RequestId first_counted_ = 0;
  LogIndex sent_up_to_ = 0;  // by what is on the way
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coracle::raft
