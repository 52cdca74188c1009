// All that has happened in a model cluster, as far as rules speak of it: whoever breaks one is
// found at once. (Raft Figure 3)
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "raft/state.h"
#include "tests/raft/model_disk.h"

namespace coracle::raft {

using ModelDisks = std::map<ServerId, ModelDisk>;

class ModelHistory {
 public:
  // Borrows `disks` for its own life.
  explicit ModelHistory(const ModelDisks& disks) : disks_(disks) {}

  // A life of a server begins.
  void started(ServerId id);
  // A server's State has made this change, in the event that check() comes after.
  void changed(ServerId id, const State& state, const Change& change);
  // A server has let others know of its vote.
  void told_vote(ServerId voter, Term term, ServerId candidate);
  // An event has changed a server's State; all changes that it made have been told.
  void check(ServerId id, const State& state, TimePoint now);

  // What was committed so far, by anyone.
  [[nodiscard]] const std::vector<Entry>& committed() const { return committed_; }

 private:
  struct Server {
    std::vector<Entry> log{};  // as State has it, durable or not
    LogIndex commit = 0;       // in this life
    Term led = 0;              // the last term in which it was seen to lead
    Term durable_term = 0;     // over all lives
  };

  void note_entry(const std::vector<Entry>& log);
  void check_role(ServerId id, const State& state, TimePoint now);
  void check_log(ServerId id, const State& state);
  void check_commit(ServerId id, const State& state);
  void commit_next(ServerId id, const State& state);
  void check_new_leader(ServerId id, const State& state);
  void check_progress(const State& state);

  const ModelDisks& disks_;
  std::map<ServerId, Server> servers_;

  std::map<Term, ServerId> leader_of_term_;
  std::map<std::pair<ServerId, Term>, ServerId> vote_told_;
  struct Known {
    Entry entry;
    Term previous = 0;  // the term of the entry before it
  };
  std::map<LogPosition, Known> known_;  // every entry that was ever in a log
  std::vector<Entry> committed_;
  std::vector<Term> committed_in_;  // the term in which each was committed
};

}  // namespace coracle::raft
