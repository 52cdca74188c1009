#include "bench/election/cluster.h"

#include <algorithm>
#include <functional>

#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "raft/rpc_transport.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace bench::election {

using coracle::now;
using coracle::sleep_for;
using coracle::task_group;
using coracle::TaskGroup;

Cluster::Cluster(std::size_t servers, const raft::Options& options, std::string directory)
    : options_(options), directory_(std::move(directory)) {
  for (std::size_t i = 0; i < servers; ++i) {
    auto server = std::make_unique<Server>();
    server->id = i + 1;
    server->listener = net::TcpListener::listen(net::Address::loopback(0));
    server->address = server->listener.local_address();
    servers_.push_back(std::move(server));
  }
}

Task<> Cluster::run_servers() {
  co_await task_group([this](TaskGroup& group) -> Task<> {
    for (const auto& server : servers_) {
      group.spawn("server", &Cluster::run_server, this, std::ref(*server));
    }
    co_return;
  });
}

Task<> Cluster::run_server(Server& server) {
  constexpr raft::ClusterId kCluster = 1;
  const std::string directory = directory_ + "/" + std::to_string(server.id);
  raft::DiskStorage storage = co_await raft::DiskStorage::open(directory, kCluster, server.id);
  std::map<raft::ServerId, net::Address> peers;
  std::vector<raft::ServerId> voters;
  for (const auto& other : servers_) {
    voters.push_back(other->id);
    if (other->id != server.id) peers.emplace(other->id, other->address);
  }
  raft::RpcTransport rpc(std::move(server.listener), peers);
  SilencingTransport transport(rpc, server.voice, server.heartbeat_sent);
  raft::ReplicatedMap map;
  raft::Node node(storage, raft::Configuration(std::move(voters)), transport, map, options_,
                  [this, &server](const raft::Event& event) { observe(server, event); });
  co_await node.run();
}

void Cluster::observe(Server& server, const raft::Event& event) {
  const Moment moment{event.own_term, now()};
  switch (event.kind) {
    case raft::EventKind::became_candidate: server.stood = moment; break;
    case raft::EventKind::granted_vote: note_request(event.peer, event.own_term); break;
    case raft::EventKind::refused_vote: note_request(event.peer, event.term); break;
    case raft::EventKind::heard_leader: server.heard = moment; break;
    case raft::EventKind::became_leader:
      leader_ = &server;
      leader_term_ = event.own_term;
      break;
    default: return;
  }
  changed_.notify_all();
}

// Granted or refused: the slow ones count, too.
void Cluster::note_request(raft::ServerId candidate, raft::Term term) {
  const Moment& stood = servers_[candidate - 1]->stood;
  if (stood.term != term) return;  // a late copy
  votes_time_ += now() - stood.time;
  ++votes_;
}

bool Cluster::all_follow(const Server& leader, const Server* but) const {
  return std::ranges::all_of(servers_, [&](const std::unique_ptr<Server>& server) {
    return server.get() == &leader || server.get() == but || server->heard.term == leader_term_;
  });
}

// Followers draw a new timeout at each heartbeat, so trials do not depend on each other.
Task<> Cluster::silence_leader() {
  for (;;) {
    while (leader_ == nullptr || !all_follow(*leader_, nullptr)) co_await changed_.wait();
    Server& leader = *leader_;
    const raft::Term term = leader_term_;
    co_await leader.heartbeat_sent.wait();
    const Duration pause = coracle::random().between(Duration::zero(), options_.timing.heartbeat);
    co_await sleep_for(pause);
    if (leader_ != &leader || leader_term_ != term) continue;  // it lost its office by itself
    leader.voice.silence();
    silenced_ = &leader;
    silence_ = {term, now()};
    votes_time_ = {};
    votes_ = 0;
    co_return;
  }
}

Task<Trial> Cluster::run_trial() {
  co_await silence_leader();
  while (leader_ == silenced_ || !all_follow(*leader_, silenced_)) co_await changed_.wait();
  const Trial trial = result_of(*leader_);
  silenced_->voice.speak();
  co_return trial;
}

Trial Cluster::result_of(const Server& winner) const {
  Trial trial;
  TimePoint last = silence_.time;
  for (const auto& server : servers_) {
    if (server.get() != &winner && server.get() != silenced_) {
      last = std::max(last, server->heard.time);
    }
  }
  trial.elapsed = last - silence_.time;
  trial.failed_rounds = leader_term_ - silence_.term - 1;
  trial.heartbeat = last - winner.stood.time;
  trial.vote = votes_time_ / std::max<std::int64_t>(votes_, 1);
  return trial;
}

}  // namespace bench::election
