// Clients of the map that a simulated cluster replicates: they put, append, compare and set, remove
// and read, go where the leader is said to be, try again, and remember what they asked and what
// they were told. What they may have seen is judged afterwards (linearizability.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "raft/sim/client_desk.h"
#include "raft/sim/cluster.h"
#include "raft/sim/history.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

struct ClientSetup {
  std::size_t clients = 4;
  double operations_per_second = 20;  // of all together, at most
  std::uint64_t seed = 1;
};

class MapClients {
 public:
  // They begin with the run of the world. Borrows the cluster, and everything happens in its time.
  MapClients(RaftCluster& cluster, const ClientSetup& setup);
  MapClients(const MapClients&) = delete;
  MapClients& operator=(const MapClients&) = delete;

  // Nobody asks for anything new from now on.
  void stop() { stopped_ = true; }

  // Appends through the server that leads, in a session and without, again and again until both are
  // acknowledged.
  void write_finally();
  // Returns    whether one of them waits for its answer.
  [[nodiscard]] bool writes() const { return final_writes_ > 0; }

  // Reads every key through a server, again and again until it answers.
  void read_all(ServerId server);
  // Returns    whether reads by read_all() wait for their answers.
  [[nodiscard]] bool reads() const { return final_reads_ > 0; }

  [[nodiscard]] const History& history() const { return history_; }

  // Judges all that was asked and answered.
  //   Returns    nothing if one order of all operations explains it, and every append that was
  //              acknowledged has taken effect once; else what cannot be explained.
  //   Requires   that every server that may have lost something was read from by read_all().
  [[nodiscard]] std::string verdict() const;

 private:
  struct Client {
    std::uint64_t number = 0;
    SessionId session = 0;
    std::uint64_t sequence = 0;  // of its last command
    ServerId leader = kNobody;   // as it was last told
    // What it is at.
    ClientRequest request{};
    std::size_t operation = 0;  // in the history
    bool in_session = false;
    bool asks = false;  // it waits for an answer, or to ask again
    bool may_have_effect = false;
    std::uint64_t attempt = 0;
    TimePoint gives_up{};
  };

  void at(Client& client, Duration from_now, void (MapClients::*act)(Client&));
  void begin(Client& client);
  void open_session(Client& client);
  void begin_operation(Client& client);
  [[nodiscard]] ClientOperation draw(Client& client);
  void attempt(Client& client);
  void answered(Client& client, std::uint64_t attempt, const ClientAnswer& answer);
  void timed_out(Client& client, std::uint64_t attempt);
  void try_again(Client& client);
  void done(Client& client, const ClientAnswer& answer);
  void end(Client& client);
  void open_finally();
  void append_finally(SessionId session);
  void read_finally(ServerId server, const std::string& key, std::size_t operation);
  [[nodiscard]] Duration pause();
  [[nodiscard]] std::string check_appends() const;

  RaftCluster& cluster_;
  const ClientSetup setup_;
  Random random_;
  std::vector<Client> clients_;
  History history_;
  std::uint64_t values_ = 0;  // so that each is written once
  std::size_t final_reads_ = 0;
  std::size_t final_writes_ = 0;
  bool stopped_ = false;
};

}  // namespace coracle::raft::sim
