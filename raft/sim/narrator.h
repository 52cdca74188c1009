// Tells a learner what happens in a cluster, while it happens: "A's timeout of 202 ms ran out: A
// enters term 1, votes for itself, and asks B and C."; "A majority has stored entry 2: A commits
// it."
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "raft/sim/play.h"

namespace coracle::raft::sim {

class Narrator final : public ClusterObserver {
 public:
  // Gives each sentence to `tell`. `play` is what it tells of, given once it exists.
  explicit Narrator(std::function<void(std::string_view)> tell) : tell_(std::move(tell)) {}

  void follow(const Play& play) { play_ = &play; }

  // What is said more than once at one time is told once. Tells how often it was said, if others
  // are about to tell something.
  void settle();

  void event(const Happened& happened) override;
  void sends(const Message& message) override;
  void receives(const Message& /*message*/) override {}
  void loses(const Message& message) override;
  void asked(ServerId server, const ClientRequest& request) override;
  void answered(ServerId server, const ClientRequest& request, const ClientAnswer& answer) override;
  void commits(ServerId server, LogIndex first, LogIndex last) override;

 private:
  [[nodiscard]] std::string name(ServerId id) const;
  [[nodiscard]] std::string voters_but(ServerId id) const;
  [[nodiscard]] std::string sentence(const Happened& happened) const;
  [[nodiscard]] std::string of_election(const Happened& happened) const;
  [[nodiscard]] std::string of_candidate(const Happened& happened) const;
  [[nodiscard]] std::string of_step_down(const Happened& happened) const;
  void say(const std::string& sentence);

  // What a follower has told a leader to have stored.
  struct Told {
    Term term = 0;
    LogIndex index = 0;
  };

  std::function<void(std::string_view)> tell_;
  const Play* play_ = nullptr;
  std::string last_;  // that was said, and when
  TimePoint last_at_{};
  std::size_t repeated_ = 0;
  std::map<ServerId, Told> told_;
  std::set<ServerId> asked_first_;  // began the round before with pre-votes
  std::set<ServerId> transfers_;    // stand because the leader asked
};

}  // namespace coracle::raft::sim
