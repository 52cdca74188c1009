// A cluster of real servers in this process, whose leaders are silenced to see how long it takes
// the others to elect another.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/election/silencing_transport.h"
#include "net/tcp.h"
#include "raft/events.h"
#include "raft/options.h"
#include "runtime/condition.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace bench::election {

namespace net = coracle::net;
using coracle::Duration;

// What one silenced leader showed.
struct Trial {
  Duration elapsed{};               // from the silence until all others had heard the new leader
  std::uint64_t failed_rounds = 0;  // terms that ended without a leader: split votes
  Duration vote{};       // from the winner's timeout until a voter granted, the mean of them
  Duration heartbeat{};  // from the winner's timeout until all others had heard it
};

class Cluster {
 public:
  // `directory` is where the servers keep what they must not forget, each in one of its own.
  //   Requires   a current loop.
  Cluster(std::size_t servers, const raft::Options& options, std::string directory);

  // Runs all servers until it is canceled.
  [[nodiscard]] Task<> run_servers();

  // Waits until the cluster has a leader that all others follow, silences it at a uniformly random
  // time within its heartbeat interval, and lets it speak again once all others have heard its
  // successor.
  //   Requires   run_servers() to run; no other trial in progress.
  [[nodiscard]] Task<Trial> run_trial();

 private:
  struct Moment {
    raft::Term term = 0;
    TimePoint time{};
  };
  struct Server {
    raft::ServerId id = 0;
    net::TcpListener listener;
    net::Address address;
    Voice voice;
    Moment stood;  // when it last became a candidate
    Moment heard;  // when it last heard a leader for the first time in that leader's term
    Condition heartbeat_sent;
  };

  Task<> run_server(Server& server);
  Task<> silence_leader();
  void observe(Server& server, const raft::Event& event);
  void note_request(raft::ServerId candidate, raft::Term term);
  [[nodiscard]] Server* leader() const;
  [[nodiscard]] bool all_follow(const Server& leader, const Server* but) const;
  [[nodiscard]] Trial result_of(const Server& winner) const;

  const raft::Options options_;
  const std::string directory_;
  std::vector<std::unique_ptr<Server>> servers_;
  Condition changed_;

  Server* leader_ = nullptr;  // who last became leader
  raft::Term leader_term_ = 0;
  Duration votes_time_{};  // since the silence: how long requests for votes took, all together
  std::int64_t votes_ = 0;
  Server* silenced_ = nullptr;
  Moment silence_;  // when, and in which term
};

}  // namespace bench::election
