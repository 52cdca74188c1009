// Clients of the map that a simulated cluster replicates: they put, append, compare and set, remove
// and read, go where the leader is said to be, try again, and remember what they asked and what
// they were told. What they may have seen is judged afterwards (map_verdict.h).
//
// Some have no session, do one thing at a time, and never ask again for what may have been done.
// The others have several commands of their session under way, and ask again under the same number;
// some of those only when the session may have expired meanwhile, and once more when it has.
#pragma once

#include <cstdint>
#include <map>
#include <set>
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
  // Returns    whether one of them waits for an answer, or to ask again.
  [[nodiscard]] bool waits() const { return !calls_.empty(); }

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
  // Returns    how many sessions a client was told to have expired.
  [[nodiscard]] std::size_t expired_sessions() const { return expired_.size(); }
  // Returns    the number of the first client that reads in the end.
  [[nodiscard]] std::uint64_t first_reader() const { return setup_.clients + 1; }

  // Judges all that was asked and answered.
  //   Returns    nothing if one order of all operations explains it, every append that was
  //              acknowledged has taken effect once, and no session came back that had expired;
  //              else what cannot be explained.
  //   Requires   that every server that may have lost something was read from by read_all().
  [[nodiscard]] std::string verdict() const;

 private:
  struct Client {
    std::uint64_t number = 0;
    bool has_sessions = false;
    bool is_late = false;    // has short ones, and asks again when they may have expired
    std::size_t window = 1;  // how many calls it has open at most
    std::size_t open = 0;
    bool opens_session = false;
    SessionId session = 0;
    std::uint64_t sequence = 0;  // of its last command
    ServerId leader = kNobody;   // as it was last told
  };
  // Something that a client asks for, until it has the answer or waits no more.
  struct Call {
    std::size_t client = 0;
    ClientRequest request{};
    std::size_t operation = 0;     // in the history
    bool may_have_effect = false;  // by an attempt that has no answer
    bool is_settled = false;       // the history knows its end: it is asked for once more
    bool after_expiry = false;     // this attempt is of a session that is known to have expired
    std::uint64_t attempt = 0;
    TimePoint gives_up{};
  };
  using CallNumber = std::uint64_t;  // 1, 2, ...

  void take_turn(std::size_t client);
  void call(std::size_t client, ClientRequest request, std::size_t operation);
  void begin_operation(std::size_t client);
  [[nodiscard]] ClientRequest draw();
  [[nodiscard]] std::uint64_t lowest_unanswered(const Call& of) const;
  [[nodiscard]] ServerId server_for(const Call& call);
  void attempt_at(Duration from_now, CallNumber number);
  void attempt(CallNumber number);
  void answered(CallNumber number, std::uint64_t attempt, const ClientAnswer& answer);
  void timed_out(CallNumber number, std::uint64_t attempt);
  void try_again(CallNumber number);
  void done(CallNumber number, const ClientAnswer& answer);
  void expired(CallNumber number);
  void end(CallNumber number);
  void open_finally();
  void append_finally(SessionId session);
  void read_finally(ServerId server, const std::string& key, std::size_t operation);
  [[nodiscard]] Duration pause();

  RaftCluster& cluster_;
  const ClientSetup setup_;
  Random random_;
  std::vector<Client> clients_;
  std::map<CallNumber, Call> calls_;  // that are open
  CallNumber last_call_ = 0;
  std::set<SessionId> expired_;  // as clients were told
  std::string complaint_;        // the first answer that is wrong by itself
  History history_;
  std::uint64_t values_ = 0;  // so that each is written once
  std::size_t final_reads_ = 0;
  std::size_t final_writes_ = 0;
  bool stopped_ = false;
};

// The keys that clients use: one of which is appended to only.
inline constexpr std::string_view kAppendedKey = "log";
inline constexpr std::uint64_t kMapKeys = 4;
[[nodiscard]] std::string map_key(std::uint64_t number);  // 0, 1, ... kMapKeys - 1

// How clients keep sessions, in log time.
inline constexpr Duration kSessionIdleMax = std::chrono::seconds(20);
inline constexpr Duration kShortIdleMax = std::chrono::milliseconds(1500);

// Return     what the history says of a command that a client asks for, and of the answer.
[[nodiscard]] OperationKind kind_of(MapCommand::Kind kind);
[[nodiscard]] ClientOperation operation_of(std::uint64_t client, const ClientRequest& request);
[[nodiscard]] OperationAnswer answer_of(const ClientRequest& request, const ClientAnswer& answer);

}  // namespace coracle::raft::sim
