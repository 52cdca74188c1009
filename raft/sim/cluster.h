// A Raft cluster in a simulated world: n servers on hosts of their own, with real TCP and real
// storage as far as they can tell, and every chance decided by one seed.
//
//   RaftCluster cluster({.servers = 3, .seed = 7});
//   const ServerId first = cluster.run_until_leader();
//   cluster.isolate(first);
//   cluster.run_for(2s);
//   EXPECT_NE(cluster.leader(), first);
//
// The servers are what `coracle serve` runs: Storage, RpcTransport and Node. What must always hold
// (invariants.h) is checked after each pass of a server and at each message.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/sim/network.h"
#include "raft/events.h"
#include "raft/node.h"
#include "raft/options.h"
#include "raft/sim/client_desk.h"
#include "raft/sim/message.h"
#include "raft/sim/message_faults.h"
#include "raft/sim/wire_tap.h"
#include "raft/types.h"
#include "runtime/sim/simulation.h"

namespace coracle::raft::sim {

class Invariants;
class Seat;

struct ClusterSetup {
  std::size_t servers = 3;
  std::uint64_t seed = 1;
  Options options = {};
  std::vector<std::string> names = {};    // "s1", "s2", ... where not said
  std::vector<ServerId> learners = {};    // of the servers; the others are voters
  std::uint64_t fail_disk_operation = 0;  // on the first server the nth: EIO; 0 is none
  bool check_invariants = true;
};

// What happened to one server.
struct Happened {
  TimePoint when{};  // of the world
  ServerId server = kNobody;
  Event event{};
};

// The timeouts that a server has drawn.
struct DrawnTimeouts {
  Duration last{};    // for which it waits
  Duration before{};  // the one before that
};

// Who wants to know what happens as it happens. May do what a test may, but must not run the world.
class ClusterObserver {
 public:
  virtual void event(const Happened& happened) = 0;
  // At the end where it is sent, where it arrives, and where it is lost by MessageFaults.
  virtual void sends(const Message& message) = 0;
  virtual void receives(const Message& message) = 0;
  virtual void loses(const Message& message) = 0;

  // Not everybody wants to know these.
  // A client asks a server for something, and has its answer.
  virtual void asked(ServerId /*server*/, const ClientRequest& /*request*/) {}
  virtual void answered(ServerId /*server*/, const ClientRequest& /*request*/,
                        const ClientAnswer& /*answer*/) {}
  // A server takes entries for committed. It has applied none of them yet.
  virtual void commits(ServerId /*server*/, LogIndex /*first*/, LogIndex /*last*/) {}

 protected:
  ~ClusterObserver() = default;
};

class RaftCluster final : private WireObserver {
 public:
  explicit RaftCluster(const ClusterSetup& setup);
  RaftCluster(const RaftCluster&) = delete;
  RaftCluster& operator=(const RaftCluster&) = delete;
  ~RaftCluster();

  // ---- Before a server starts ----
  // Give a server other options than the others, another configuration, the terms of the entries
  // that its log holds, and what its directory says of an earlier life.
  //   Requires   that it does not run; a log that stands for a term that it may be in.
  void set_options(ServerId server, const Options& options);
  void set_configuration(ServerId server, const Configuration& configuration);
  void set_log(ServerId server, std::vector<Term> terms);
  void set_hard_state(ServerId server, const HardState& hard_state);
  // The next timeouts that it draws; when they are used up it draws its own. Also while it runs.
  void add_timeouts(ServerId server, const std::vector<Duration>& timeouts);

  // Starts one server, or all that have never run. The functions of time below start all, unless a
  // server was started by hand.
  void start(ServerId server);
  void start_all();

  // ---- Time ----
  void run_for(Duration span);
  // Returns    whether it came to hold within the limit.
  [[nodiscard]] bool run_until(const std::function<bool()>& holds,
                               Duration limit = std::chrono::seconds(10));
  // Runs until one leads, and a majority follows it.
  //   Returns    the leader; kNobody if there is none within the limit.
  ServerId run_until_leader(Duration limit = std::chrono::seconds(10));
  // Makes a server the leader: without a leader its clock jumps to the end of its patience; with
  // one, that leader asks it to take over.
  //   Returns    whether it leads, and all that can follow it do, within the limit.
  [[nodiscard]] bool elect(ServerId server, Duration limit = std::chrono::seconds(10));

  // ---- Faults ----
  void crash_process(ServerId server);
  void crash_machine(ServerId server);
  void restart(ServerId server);
  void pause(ServerId server);
  void resume(ServerId server);
  // Crashes it as soon as it tells of such an event; nothing that it decided with it is done.
  void crash_at(ServerId server, EventKind event, bool machine);
  // Crashes it when it begins the nth disk operation from now.
  void crash_at_disk_operation(ServerId server, std::uint64_t nth, bool machine);
  // Cuts the cables between servers of different sides.
  void partition(const std::vector<std::set<ServerId>>& sides);
  void isolate(ServerId server);
  void cut(ServerId from, ServerId to);  // one way
  void mend(ServerId from, ServerId to);
  void heal();  // all cables; and no more messages are lost
  [[nodiscard]] MessageFaults& message_faults() { return message_faults_; }
  // Hands a request to a server as if `request.header` told the truth; see header().
  //   Requires   that it runs.
  void post(ServerId to, Request request);
  // Asks a server for something, as a client of its service.
  //   Returns    whether it was asked: it is up, and not paused. `answered` is called in its
  //   process
  //              when it has the answer; never if the process ends before.
  bool ask(ServerId server, ClientRequest request, ClientDesk::Answered answered);
  // Returns    the header of a request that one server could send to another now.
  [[nodiscard]] RequestHeader header(ServerId from, ServerId to);
  // Lets a server stand for election at once, as if `from` led and asked for it.
  void ask_to_take_over(ServerId from, ServerId to);

  // ---- Looking ----
  [[nodiscard]] const std::vector<ServerId>& ids() const { return ids_; }
  [[nodiscard]] const std::string& name(ServerId server) const;
  // Returns    whether there is a node: it has read its disk, and runs or is paused.
  [[nodiscard]] bool is_up(ServerId server) const;
  //   Requires   is_up().
  [[nodiscard]] const State& state(ServerId server) const;
  [[nodiscard]] const DrawnTimeouts& drawn_timeouts(ServerId server) const;
  // Returns    what its state machine holds.
  //   Requires   is_up().
  [[nodiscard]] const ReplicatedMap& map(ServerId server) const;
  // Returns    what its disk would hold after a loss of power.
  [[nodiscard]] HardState durable(ServerId server) const;
  // Returns    who leads the highest term that is led; kNobody if nobody leads.
  [[nodiscard]] ServerId leader() const;
  // Returns    the leader whom all these servers follow, itself one of them; kNobody if there is
  //            none, or one of them is down.
  [[nodiscard]] ServerId agreed_leader(const std::vector<ServerId>& among) const;
  [[nodiscard]] Term highest_term() const;
  // Returns    all that happened, in its order.
  [[nodiscard]] const std::vector<Happened>& events() const { return events_; }
  [[nodiscard]] std::size_t count(EventKind kind, TimePoint since = {}) const;
  [[nodiscard]] bool met_fault() const;
  void observe(ClusterObserver* observer) { observer_ = observer; }

  [[nodiscard]] TimePoint now() const { return world_.now(); }
  [[nodiscard]] coracle::sim::Simulation& world() { return world_; }
  [[nodiscard]] net::sim::Network& network() { return network_; }
  [[nodiscard]] coracle::sim::Host& host(ServerId server) const;
  [[nodiscard]] coracle::sim::Disk& disk(ServerId server) const { return host(server).disk(); }

 private:
  friend class Seat;

  [[nodiscard]] Seat& seat(ServerId server) const;
  void start_unless_by_hand();
  void after_pass(const coracle::sim::Host& host);
  void node_started(Seat& seat);
  void node_tells(Seat& seat, const Event& event);
  void applies(ServerId server, const Command& command);
  void tell_commit(Seat& seat) const;
  void trace_message(ServerId self, std::string_view what, const Message& message);

  Facts facts(ServerId self) override;
  Random& chances() override { return world_.random(); }
  void sends(ServerId self, const Message& message) override;
  void receives(ServerId self, const Message& message) override;
  void loses(ServerId self, const Message& message) override;
  void handled(ServerId self, const Handled& handled) override;

  coracle::sim::Simulation world_;
  net::sim::Network network_{world_};
  MessageFaults message_faults_;
  std::vector<ServerId> ids_;
  std::vector<std::unique_ptr<Seat>> seats_;  // of server 1, 2, ...
  std::unique_ptr<Invariants> invariants_;    // none if they are not to be checked
  std::vector<Happened> events_;
  ClusterObserver* observer_ = nullptr;
  bool started_by_hand_ = false;
  bool started_ = false;
};

}  // namespace coracle::raft::sim
