// A client of the replicated map: one await per operation, whichever server leads.
//
//   MapClient client(servers);
//   co_await client.put("x", "1");
//   const std::optional<std::string> x = co_await client.get("x");
//
// It finds the leader by what servers say and by trying, and tries again for as long as an
// operation may take. Writes go in a session: each takes effect once, however often it was sent.
// (R3, B61)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/map_messages.h"
#include "net/address.h"
#include "net/rpc_client.h"
#include "raft/replicated_map.h"
#include "runtime/error.h"
#include "runtime/mutex.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle::demo {

struct MapClientOptions {
  Duration timeout = std::chrono::seconds(10);         // of one operation, with all its attempts
  Duration attempt_timeout = std::chrono::seconds(1);  // before it is tried elsewhere
  // A session expires when nothing was written for so long; then the next write opens another.
  Duration session_idle_max = std::chrono::minutes(1);
};

// A write has no answer: it has taken effect, or will, or never will. No failure. (R4)
class MapOutcomeUnknown final : public Error {
 public:
  // `write` is its kind, `subject` its key and what is known.
  MapOutcomeUnknown(std::string_view write, std::string_view subject);
};

// Any number of fibers may use it at the same time. Belongs to one loop.
class MapClient {
 public:
  // `servers` are those of the cluster, all or some; the first is asked first. Connects when it is
  // first used.
  //   Requires   a server.
  explicit MapClient(const std::vector<net::Address>& servers,
                     const MapClientOptions& options = {});
  MapClient(const MapClient&) = delete;
  MapClient& operator=(const MapClient&) = delete;
  //   Requires   no operation in progress.
  ~MapClient();

  // Reads a key, or all of the map: nothing older than what was acknowledged when it was called. A
  // map of more than a megabyte comes in pieces, and each piece is as of a later moment.
  //   Returns    what stands there; nothing where there is no such key.
  //   Throws     TimedOut when no server could answer; net::RpcError when the answer exceeds a
  //              message.
  //   Canceled   throws.
  [[nodiscard]] Task<std::optional<std::string>> get(std::string key);
  [[nodiscard]] Task<MapPairs> dump();

  // Write. `append` adds behind what stands there, `compare_and_set` writes only if what stands
  // there is `expected` (nothing: that there is no such key).
  //   Returns    what stood there before, once the write is committed; compare_and_set also whether
  //              it has written.
  //   Throws     TimedOut: it has not taken effect, and never will. MapOutcomeUnknown: nobody
  //              knows. net::RpcError (`bad_command`): it is too large; it has no effect.
  //   Canceled   throws; like MapOutcomeUnknown.
  [[nodiscard]] Task<std::optional<std::string>> put(std::string key, std::string value);
  [[nodiscard]] Task<std::optional<std::string>> append(std::string key, std::string value);
  [[nodiscard]] Task<std::optional<std::string>> remove(std::string key);
  [[nodiscard]] Task<raft::MapResult> compare_and_set(std::string key,
                                                      std::optional<std::string> expected,
                                                      std::string value);

  // Any of these as a command; also a `get` in the order of the log.
  //   Returns, Throws, Canceled   as the writes above.
  [[nodiscard]] Task<raft::MapResult> apply(raft::MapCommand command);

  // Closes the session, so that the servers need not keep it until it expires; the next write opens
  // another. Gives up, in silence, when no server does it within an attempt's time.
  //   Canceled   throws.
  //   Requires   no write in progress.
  [[nodiscard]] Task<> close();

 private:
  struct Server;
  struct Session;
  class Number;
  class Operation;

  // Tries once, with the server that is taken for the leader.
  //   Returns    nothing when it may be tried again; `operation` knows what that means.
  //   Throws     net::RpcError when trying again is no use.
  template <class Result, class Call>
  Task<std::optional<Result>> attempt(Operation& operation, const Call& call);
  // The same until there is a result, or the time of the operation is over.
  template <class Result, class Call>
  Task<Result> persist(Operation& operation, const Call& call);

  Task<std::shared_ptr<net::RpcClient>> connection_to(Server& server);
  Task<std::shared_ptr<Session>> session_for(Operation& write);
  Task<std::optional<raft::MapResult>> apply_in(Session& session, Operation& write,
                                                const raft::MapCommand& command);
  void refused(Operation& operation, Server& server, const net::RpcFault& fault);
  void leave(const Server& server);
  // Returns    whether another server is to be asked, which the text names.
  bool follow(const Server& server, std::string_view hint);

  const MapClientOptions options_;
  std::vector<std::unique_ptr<Server>> servers_;
  Server* target_;  // the leader, as far as known
  std::shared_ptr<Session> session_;
  Mutex opening_;
};

// Asks one server what it holds now, which others may have outgrown.
//   Throws     Error when it does not answer within `timeout`.
[[nodiscard]] Task<MapPairs> ask_held(net::Address server, Duration timeout);

}  // namespace coracle::demo
