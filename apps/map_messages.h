// What clients of the replicated map and its servers say to each other over RPC. Clients in other
// languages find the methods here.
//
//   open_session(idle_max)              → its number. It expires when it was idle for so many
//                                         nanoseconds by the leaders' clocks
//   close_session(session)
//   command(kind, key, value, expected, [session, sequence, lowest_unanswered])
//                                       → [done, found]
//   read(key)                           → the value, or nil
//   dump(behind, held)                  → [{key: value, ...}, more, applied]
//
// `kind` is "get", "put", "append", "compare_and_set" or "remove"; `expected`, of compare_and_set,
// is nil for a key that is absent. A command of a session is applied once, however often it is sent
// under its sequence number; without a session, once for each time. Commands and sessions are for
// the leader; every server answers `read` and `dump`, with nothing older than what was committed
// when it was asked. `dump` gives the pairs behind a key (nil: from the first), as many as fit;
// with `held` true it gives what this very server has applied by now, perhaps less than others
// have.
//
// Errors, besides those of rpc_server.h:
//   not_leader       nothing was done; the text is HOST:PORT of the leader, or empty
//   outcome_unknown  the command may be applied later, or never: ask again in the same session
//   session_expired  not applied; the session is not known any more, or the sequence number was
//                    given up
//   bad_command      not applied, and never will be: the text says why
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "raft/replicated_map.h"

namespace coracle::demo {

inline constexpr std::string_view kNotLeader = "not_leader";
inline constexpr std::string_view kOutcomeUnknown = "outcome_unknown";
inline constexpr std::string_view kSessionExpired = "session_expired";
inline constexpr std::string_view kBadCommand = "bad_command";

using MapPairs = std::map<std::string, std::string>;

struct InSession {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::uint64_t lowest_unanswered = 0;

  static auto fields(auto& self) {
    return std::tie(self.session, self.sequence, self.lowest_unanswered);
  }
};

struct MapAnswer {
  bool done = false;                 // false where something else stood there than was expected
  std::optional<std::string> found;  // what stood there before

  static auto fields(auto& self) { return std::tie(self.done, self.found); }
};

struct MapPage {
  MapPairs pairs;
  bool more = false;          // there are pairs behind the last of these
  std::uint64_t applied = 0;  // up to which index of the log they tell

  static auto fields(auto& self) { return std::tie(self.pairs, self.more, self.applied); }
};

// The kind as it travels, and back; nothing comes back of other texts.
[[nodiscard]] std::string_view name_of(raft::MapCommand::Kind kind);
[[nodiscard]] std::optional<raft::MapCommand::Kind> kind_named(std::string_view name);

}  // namespace coracle::demo
