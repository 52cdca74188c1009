// Rounds of proofs that a leader still leads: a read that came before a round began may be served
// once a majority has answered it. Reads that wait at the same time share one. (ReadIndex;
// dissertation §6.4, R1)
#pragma once

#include <cstdint>

namespace coracle::raft {

using ReadRound = std::uint64_t;  // 0 before the first

class ReadRounds {
 public:
  // Returns the round that a read which comes now waits for: one of which no message has left yet,
  // and that is not confirmed.
  [[nodiscard]] ReadRound ask();

  // Returns the round that every message carries now. While one is open, the next waits for its
  // end, so that many reads cost few rounds.
  [[nodiscard]] ReadRound current() const { return current_; }
  // Returns whether reads wait for the current round.
  [[nodiscard]] bool is_open() const { return confirmed_ < current_; }
  [[nodiscard]] bool is_confirmed(ReadRound round) const { return round <= confirmed_; }

  // Returns whether a round began of which no message has left yet.
  [[nodiscard]] bool is_new() const { return is_open() && !is_stamped_; }

  // A message with the current round has left.
  void stamped() { is_stamped_ = true; }
  // A majority has answered this round, or a later one.
  //   Requires   round <= current().
  void confirm(ReadRound round);

 private:
  ReadRound current_ = 0;
  ReadRound asked_ = 0;
  ReadRound confirmed_ = 0;
  bool is_stamped_ = false;  // a message with the current round has left
};

}  // namespace coracle::raft
