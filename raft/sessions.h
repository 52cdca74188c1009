// Sessions of clients, so that a command that is proposed again, through whatever leader, is
// applied once. Part of the replicated state: built from the log alone, and the same on every
// server. (Dissertation §6.3, R3)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>

#include "raft/messages.h"
#include "raft/shared_bytes.h"
#include "raft/types.h"
#include "runtime/time.h"

namespace coracle::raft {

// A session is named after the entry that opened it.
using SessionId = LogIndex;

// Which command of which session. A client numbers its commands 1, 2, ..., may have several under
// way, and proposes one again under its number until it has the result.
struct SessionCommand {
  SessionId session = 0;
  std::uint64_t sequence = 0;
  std::uint64_t lowest_unanswered = 1;  // the results of all before it are given up

  friend bool operator==(const SessionCommand&, const SessionCommand&) = default;
};

// What a session's entries hold.
struct OpenSession {
  Duration idle_max{};  // it expires when no entry of it came for so long, by log time; over 0
};
struct KeepSession {  // no command, but it is alive
  SessionId session = 0;
};
struct CloseSession {
  SessionId session = 0;
};
using SessionChange = std::variant<OpenSession, KeepSession, CloseSession>;

// Encode and decode the data of entries of the kinds `session` and `session_command`. Nothing comes
// back of bytes that no server writes.
[[nodiscard]] SharedBytes encode(const SessionChange& change);
[[nodiscard]] SharedBytes encode(const SessionCommand& command, std::span<const std::byte> data);
[[nodiscard]] std::optional<SessionChange> decode_change(std::span<const std::byte> data);
inline constexpr std::size_t kSessionCommandBytes = 24;  // before the command itself
[[nodiscard]] std::optional<SessionCommand> decode_command(std::span<const std::byte> data);

class Sessions {
 public:
  // How many commands of one session may have no answer that the client has seen. One whose number
  // is further from the lowest unanswered one counts as expired.
  static constexpr std::uint64_t kWindow = 1024;

  // How many sessions there may be: all servers have to agree on it. One more is opened at the cost
  // of that which was used least recently. (Dissertation §6.3)
  static constexpr std::size_t kMost = std::size_t{1} << 16;

  // What becomes of a command.
  enum class Verdict : std::uint8_t {
    apply,     // new: it is to be applied, and then answered()
    repeated,  // applied before: `result` is its result
    pending,   // the same command stands before it in what is being applied, and has no result yet
    expired,   // its session is unknown, closed or expired, or its result was given up
  };
  struct Looked {
    Verdict verdict = Verdict::expired;
    SharedBytes result{};
  };

  // ---- In the order of the log; `log_time` is the stamp of the entry ----
  // Any entry, before anything else is done with it: sessions that have been idle for too long by
  // its time expire. Nothing else ends one but close(), and open() when there are too many.
  void advance(std::int64_t log_time);
  void open(SessionId session, const OpenSession& open, std::int64_t log_time);
  // Return     whether there is, or was, such a session.
  bool keep(SessionId session, std::int64_t log_time);
  bool close(SessionId session);
  [[nodiscard]] Looked look(const SessionCommand& command, std::int64_t log_time);
  // The result of a command that was to be applied.
  void answered(const SessionCommand& command, const SharedBytes& result);

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  // Returns    how many results are kept of a session; 0 if there is none.
  [[nodiscard]] std::size_t results_of(SessionId session) const;

 private:
  struct Session {
    Duration idle_max{};
    std::int64_t expires = 0;  // by log time
    std::uint64_t used = 0;    // counts the uses of all sessions
    std::uint64_t lowest_unanswered = 1;
    std::map<std::uint64_t, std::optional<SharedBytes>> results;  // none: it is being applied
  };
  void touch(SessionId id, Session& session, std::int64_t log_time);
  void forget(std::map<SessionId, Session>::iterator session);

  std::map<SessionId, Session> sessions_;
  std::set<std::pair<std::int64_t, SessionId>> expiries_;  // when each expires, unless it is used
  std::map<std::uint64_t, SessionId> uses_;                // the last of each
  std::uint64_t last_use_ = 0;
};

}  // namespace coracle::raft
