// Where clients come to a server of a simulated cluster: what they ask of its node, as a service in
// the same process would.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "raft/node.h"
#include "raft/replicated_map.h"
#include "raft/sessions.h"
#include "raft/types.h"
#include "runtime/condition.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::raft::sim {

// A client wants a command applied,
struct AskedCommand {
  MapCommand command{};
  std::optional<SessionCommand> session{};
};
// or a session,
struct AskedSession {
  Duration idle_max{};
};
// or reads the map, after a read barrier.
struct AskedRead {
  std::string key;
};
using ClientRequest = std::variant<AskedCommand, AskedSession, AskedRead>;

struct ClientAnswer {
  enum class Kind : std::uint8_t {
    done,
    not_leader,  // nothing was done
    unknown,
    expired,  // its session is not known
  };
  Kind kind = Kind::unknown;
  ServerId leader = kNobody;           // of not_leader: where to go
  SessionId session = 0;               // that was opened
  MapResult result{};                  // of a command
  std::optional<std::string> value{};  // that was read
};

// Returns    the kind's name: "not_leader".
[[nodiscard]] std::string_view to_string(ClientAnswer::Kind kind);

// In the process of a server. Belongs to its loop.
class ClientDesk {
 public:
  using Answered = std::function<void(const ClientAnswer&)>;

  // Borrows both for its own life.
  ClientDesk(Node& node, const ReplicatedMap& map) : node_(node), map_(map) {}

  // Takes a request. `answered` is called once, or never if the process ends before.
  //   Requires   the loop of this process as the current one.
  void ask(ClientRequest request, Answered answered);

  // Serves.
  //   Returns    never.
  [[nodiscard]] Task<> run(TaskGroup& group);

 private:
  struct Waiting {
    ClientRequest request;
    Answered answered;
  };

  [[nodiscard]] Task<> serve(Waiting waiting);
  [[nodiscard]] Task<ClientAnswer> answer(ClientRequest request);

  Node& node_;
  const ReplicatedMap& map_;
  std::deque<Waiting> waiting_;
  Condition asked_;
};

}  // namespace coracle::raft::sim
