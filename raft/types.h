// The words of the protocol: who, when, and how far.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace coracle::raft {

using Term = std::uint64_t;       // 0 before the first election
using LogIndex = std::uint64_t;   // the first entry has index 1; 0 is before it
using ServerId = std::uint64_t;   // never 0, never reused
using ClusterId = std::uint64_t;  // the same on all servers of one cluster
using RequestId = std::uint64_t;  // unique among the requests of one incarnation

// Durable changes of one server are numbered in the order in which they were made.
using ChangeNumber = std::uint64_t;

// Changes whenever role or term does, and with each pre-vote round: what was decided in one epoch
// means nothing in another.
enum class Epoch : std::uint64_t {};

inline constexpr ServerId kNobody = 0;

enum class Role : std::uint8_t { follower, candidate, leader };

// Returns the role's name in logs: "follower", "candidate", "leader".
[[nodiscard]] constexpr std::string_view to_string(Role role) {
  switch (role) {
    case Role::follower: return "follower";
    case Role::candidate: return "candidate";
    case Role::leader: return "leader";
  }
  return "unknown";
}

// One life of a server: `directory` is drawn when its data directory is made, and `start` counts
// the starts on that directory. So a later life has a higher start, and a server that lost its
// directory has another `directory`, which its peers can tell. (D8, N1)
struct Incarnation {
  std::uint64_t directory = 0;
  std::uint64_t start = 0;

  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

// Where a log ends, or one entry of it. The order is that of §5.4.1: the later term is more up to
// date, and within one term the longer log.
struct LogPosition {
  Term term = 0;
  LogIndex index = 0;

  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

// Whom messages are for and whom they are from. (N1)
struct Identity {
  ClusterId cluster = 0;
  ServerId self = kNobody;
  Incarnation incarnation{};

  friend bool operator==(const Identity&, const Identity&) = default;
};

// What a server must never forget: its term, and for whom it voted in it. (§5.1, V2)
struct HardState {
  Term term = 0;
  ServerId vote = kNobody;

  friend bool operator==(const HardState&, const HardState&) = default;
};

}  // namespace coracle::raft
