#include "apps/map_server.h"

#include <map>
#include <sstream>
#include <vector>

#include "apps/map_service.h"
#include "apps/server_status.h"
#include "net/tcp.h"
#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "raft/rpc_transport.h"
#include "runtime/dump_tasks.h"

namespace coracle::demo {
namespace {

ServerStatus status_of(const raft::Node& node) {
  const raft::Status status = node.status();
  return {.id = status.id,
          .role = std::string(status.role),
          .term = status.term,
          .leader = status.leader,
          .vote = status.vote,
          .commit_index = status.commit_index,
          .last_index = status.last_index,
          .applied_index = status.applied_index};
}

std::string tasks_as_text() {
  std::ostringstream text;
  dump_tasks(text);
  return text.str();
}

}  // namespace

Task<> run_map_server(MapServerSetup setup) {
  std::map<raft::ServerId, net::Address> peers(setup.members.begin(), setup.members.end());
  const net::Address own_address = peers.extract(setup.id).mapped();
  std::vector<raft::ServerId> voters;
  for (const auto& [id, address] : setup.members) voters.push_back(id);

  raft::DiskStorage storage = co_await raft::DiskStorage::open(setup.data, setup.cluster, setup.id);
  raft::RpcTransport transport(net::TcpListener::listen(own_address), peers);
  raft::Configuration configuration(voters);
  raft::ReplicatedMap map;
  raft::Node node(storage, configuration, transport, map, setup.options);
  MapService service(node, map, setup.members);
  service.add_to(transport.server());
  transport.server().handle("status", [&node] { return status_of(node); });
  transport.server().handle("tasks", tasks_as_text);
  co_await node.run();
}

}  // namespace coracle::demo
