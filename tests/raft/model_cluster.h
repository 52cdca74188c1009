// Several States, a clock that jumps to the next event, and a network and disks that a test can
// hurt. It drives State as a node does, without coroutines: thousands of elections in a second.
// After each event it checks what must hold in every run (model_history.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/state.h"
#include "tests/raft/model_disk.h"
#include "tests/raft/model_history.h"

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
  Duration sync_min = std::chrono::microseconds(500);  // how long a disk takes to store changes
  Duration sync_max = std::chrono::milliseconds(2);
  double loss = 0;  // of each message
  double duplication = 0;
};

class ModelCluster {
 public:
  explicit ModelCluster(const ModelSetup& setup);
  ModelCluster(const ModelCluster&) = delete;
  ModelCluster& operator=(const ModelCluster&) = delete;

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

  // ---- Clients ----
  // Proposes a command that differs from all others, at every server that takes itself for leader.
  void propose();

  // ---- Time ----
  void run_for(Duration span);
  // Runs until a leader is known to a majority and itself, or for `limit`.
  //   Returns    the leader; kNobody if there is none by then.
  ServerId run_until_leader(Duration limit = std::chrono::seconds(10));
  bool run_until(const std::function<bool()>& holds, Duration limit);

  // ---- Looking ----
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const State& state(ServerId id) const { return *members_.at(id).state; }
  [[nodiscard]] const ModelDisk& disk(ServerId id) const { return disks_.at(id); }
  [[nodiscard]] const std::vector<Entry>& committed() const { return history_.committed(); }
  [[nodiscard]] bool is_up(ServerId id) const { return members_.at(id).state != nullptr; }
  [[nodiscard]] ServerId leader() const;  // of the highest term; kNobody when there is none
  [[nodiscard]] Term highest_term() const;
  // Returns whether all are up and have the same entries, all of them durable, and known there to
  // be committed.
  [[nodiscard]] bool all_agree() const;
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
    std::unique_ptr<Random> random{};
    std::unique_ptr<State> state{};  // nothing while it is down
    std::uint64_t life = 0;          // ends all that was under way for an earlier one
    bool paused = false;
    std::vector<std::function<void()>> waiting{};  // for it to be resumed
    // What is on the way to the disk, and what waits until that is durable.
    std::vector<Change> unwritten{};
    std::vector<Change> writing{};
    std::vector<std::pair<ChangeNumber, std::function<void()>>> held{};
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

  // What a node does (model_node.cc).
  void settle(Member& member);
  void act(Member& member);
  void pass_deadlines(Member& member);
  void act_for_role(Member& member);
  void take_changes(Member& member);
  void write(Member& member);
  void written(ServerId id, std::uint64_t life);
  void send_entries(Member& member);
  void give_up_in_time(const Member& member, const Outgoing<AppendEntries>& asked);

  // The network (model_node.cc).
  template <class Request>
  void send(Member& member, Outgoing<Request> request);
  void carry(ServerId from, ServerId to, const std::function<void()>& deliver);
  template <class Request>
  void deliver(ServerId to, ServerId from, std::uint64_t life, const Outgoing<Request>& request);
  template <class Request, class ReplyMessage>
  void take_reply(State& asker, const Outgoing<Request>& request, const ReplyMessage& reply);

  ModelSetup setup_;
  Random random_;
  TimePoint now_;
  ModelDisks disks_;
  ModelHistory history_{disks_};
  std::map<ServerId, Member> members_;
  std::set<std::pair<ServerId, ServerId>> cut_;
  std::multimap<TimePoint, std::function<void()>> agenda_;
  std::vector<Happened> events_;
  struct Question {
    ServerId asker;
    std::uint64_t life;
    RequestId request;
    friend auto operator<=>(const Question&, const Question&) = default;
  };
  std::set<Question> unanswered_;  // messages with entries on the way
  std::uint64_t proposed_ = 0;
};

}  // namespace coracle::raft
