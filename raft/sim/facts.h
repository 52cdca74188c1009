// What a server is like at one moment, copied, so that two moments can be compared.
#pragma once

#include <cstdint>

#include "raft/state.h"
#include "raft/types.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

struct Facts {
  Role role = Role::follower;
  bool asks_for_pre_votes = false;
  Term term = 0;
  ServerId vote = kNobody;
  ServerId leader = kNobody;
  Epoch epoch{};
  TimePoint election_deadline{};
  ChangeNumber last_change = 0;
  LogPosition last_log{};
  TimePoint now{};                  // the server's own clock
  ServerId heard_leader = kNobody;  // the last one that it has heard in this life, and when
  TimePoint heard_at{};
  std::uint64_t resumptions = 0;  // of its loop: the same means that no other fiber has run
};

// Returns    what it is like now.
[[nodiscard]] inline Facts facts_of(const State& state, TimePoint now, std::uint64_t resumptions) {
  return {.role = state.role(),
          .asks_for_pre_votes = state.asks_for_pre_votes(),
          .term = state.term(),
          .vote = state.vote(),
          .leader = state.leader(),
          .epoch = state.epoch(),
          .election_deadline = state.election_deadline(),
          .last_change = state.last_change(),
          .last_log = state.log().last(),
          .now = now,
          .resumptions = resumptions};
}

}  // namespace coracle::raft::sim
