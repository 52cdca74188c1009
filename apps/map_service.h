// The replicated map, served over RPC: what map_messages.h lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/map_messages.h"
#include "apps/members_flag.h"
#include "net/rpc_server.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "runtime/task.h"

namespace coracle::demo {

// The methods of one server. Belongs to the loop of its node.
class MapService {
 public:
  // `map` is what the node applies to; `members` tells clients where the leader is.
  //   Borrows    `node` and `map` for its own life.
  MapService(raft::Node& node, const raft::ReplicatedMap& map, Members members)
      : node_(node), map_(map), members_(std::move(members)) {}
  MapService(const MapService&) = delete;
  MapService& operator=(const MapService&) = delete;

  // Registers the methods.
  //   Borrows    this service as long as `server` serves.
  //   Requires   that `server` has none of these names yet.
  void add_to(net::RpcServer& server);

 private:
  Task<std::uint64_t> open_session(std::int64_t idle_max);
  Task<> close_session(std::uint64_t session);
  Task<MapAnswer> carry_out(raft::MapCommand command, std::optional<InSession> session);
  Task<std::optional<std::string>> read(std::string key);
  Task<MapPage> dump(std::optional<std::string> behind, bool held);

  // Awaits what the node does, and gives its refusals the codes of map_messages.h.
  template <class Result>
  Task<Result> with_codes(Task<Result> task);
  [[nodiscard]] std::string address_of(raft::ServerId server) const;

  raft::Node& node_;
  const raft::ReplicatedMap& map_;
  const Members members_;
};

}  // namespace coracle::demo
