// Why a proposal or a read has no result.
#pragma once

#include <string_view>

#include "raft/types.h"
#include "runtime/error.h"

namespace coracle::raft {

// This server does not lead, and nothing was done: ask another.
class NotLeader : public Error {
 public:
  explicit NotLeader(std::string_view operation, ServerId leader);

  // Whom this server takes for the leader; kNobody when it knows of none.
  [[nodiscard]] ServerId leader() const { return leader_; }

 private:
  ServerId leader_;
};

// Leadership was lost, or the server ended, while the command was under way: it may be applied
// later, or never. Never a failure (R4): who must know proposes it again in a session.
class OutcomeUnknown : public Error {
 public:
  explicit OutcomeUnknown(std::string_view operation);
};

// The command was not applied: its session is unknown, expired or was closed (R3), or `sequence` is
// one whose result was given up. Open a new one; whether the command was applied earlier, under
// this sequence number, is not known.
class SessionExpired : public Error {
 public:
  explicit SessionExpired(std::string_view operation);
};

}  // namespace coracle::raft
