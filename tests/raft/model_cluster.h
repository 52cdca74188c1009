// Several States, a clock that jumps to the next event, and a network and disks that a test can
// hurt. It drives State as a node does, without coroutines: thousands of elections in a second.
// After each event it checks what must hold in every run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "raft/state.h"

namespace coracle::raft {

struct ModelSetup {
  std::size_t servers = 3;
  Options options = {};
  std::uint64_t seed = 1;
  std::map<ServerId, Options> options_of = {};      // where they differ
  std::map<ServerId, std::vector<Term>> logs = {};  // empty where not said
  std::map<ServerId, HardState> hard_states = {};   // the last term of the log where not said
  Duration latency_min = std::chrono::microseconds(200);
  Duration latency_max = std::chrono::milliseconds(1);
  Duration sync_min = std::chrono::microseconds(500);  // how long a disk takes to store a change
  Duration sync_max = std::chrono::milliseconds(2);
  double loss = 0;  // of each message
  double duplication = 0;
};

class ModelCluster {
 public:
  explicit ModelCluster(const ModelSetup& setup);

  // ---- Faults ----
  void crash(ServerId id);  // forgets all but what its disk has stored
  void restart(ServerId id);
  void pause(ServerId id);  // does nothing; messages wait for it
  void resume(ServerId id);
  void cut(ServerId one, ServerId other);  // both directions
  void cut_one_way(ServerId from, ServerId to);
  void isolate(ServerId id);
  void heal() { cut_.clear(); }
  void set_loss(double loss) { setup_.loss = loss; }

  // ---- Time ----
  void run_for(Duration span);
  // Runs until a leader is known to a majority and itself, or for `limit`.
  //   Returns    the leader; kNobody if there is none by then.
  ServerId run_until_leader(Duration limit = std::chrono::seconds(10));
  bool run_until(const std::function<bool()>& holds, Duration limit);

  // ---- Looking ----
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const State& state(ServerId id) const { return *members_.at(id).state; }
  [[nodiscard]] bool is_up(ServerId id) const { return members_.at(id).state != nullptr; }
  [[nodiscard]] ServerId leader() const;  // of the highest term; kNobody when there is none
  [[nodiscard]] Term highest_term() const;
  // Events with the time at which they happened, and who they happened to.
  struct Happened {
    TimePoint when;
    ServerId where;
    Event event;
  };
  [[nodiscard]] const std::vector<Happened>& events() const { return events_; }
  [[nodiscard]] std::size_t count(EventKind kind, TimePoint since = {}) const;
  [[nodiscard]] std::vector<ServerId> ids() const;

 private:
  struct Member {
    ServerId id = kNobody;
    std::unique_ptr<Random> random;
    std::unique_ptr<State> state;  // nothing while it is down
    std::uint64_t life = 0;        // ends all that was under way for an earlier one
    bool paused = false;
    std::vector<std::function<void()>> waiting;  // for it to be resumed
    // The disk.
    HardState stored;
    ChangeNumber stored_change = 0;
    bool storing = false;
    std::vector<std::pair<ChangeNumber, std::function<void()>>> held;  // until that is durable
    // What a node's roles would do.
    Epoch acted_for{};
    bool has_acted = false;
    TimePoint next_round = kNever;  // of heartbeats, or of asking again
  };

  void start(Member& member);
  void advance_to(TimePoint when);
  [[nodiscard]] TimePoint next_event() const;
  void at(TimePoint when, std::function<void()> action);
  void let(ServerId id, std::uint64_t life, std::function<void(State&)> act);
  void settle(Member& member);
  void pass_deadlines(Member& member);
  void act_for_role(Member& member);
  void store(Member& member);
  void check(const Member& member);
  void tell_vote(ServerId voter, Term term, ServerId candidate);
  template <class Request>
  void send(Member& member, Outgoing<Request> request);
  void carry(ServerId from, ServerId to, const std::function<void()>& deliver);
  template <class Request>
  void deliver(ServerId to, ServerId from, std::uint64_t life, const Outgoing<Request>& request);

  ModelSetup setup_;
  Random random_;
  TimePoint now_;
  std::map<ServerId, Member> members_;
  std::set<std::pair<ServerId, ServerId>> cut_;
  std::multimap<TimePoint, std::function<void()>> agenda_;
  std::vector<Happened> events_;

  // History, against which every moment is checked.
  std::map<Term, ServerId> leader_of_term_;
  std::map<std::pair<ServerId, Term>, ServerId> vote_told_;
  std::map<ServerId, Term> term_seen_;
};

}  // namespace coracle::raft
