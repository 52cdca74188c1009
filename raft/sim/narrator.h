// Tells a learner what happens in a cluster, while it happens: "A's timeout of 202 ms ran out: A
// enters term 1, votes for itself, and asks B and C."
#pragma once

#include <functional>
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

  void event(const Happened& happened) override;
  void sends(const Message& /*message*/) override {}
  void receives(const Message& /*message*/) override {}
  void loses(const Message& message) override;

 private:
  [[nodiscard]] std::string name(ServerId id) const;
  [[nodiscard]] std::string voters_but(ServerId id) const;
  [[nodiscard]] std::string sentence(const Happened& happened) const;
  [[nodiscard]] std::string of_election(const Happened& happened) const;
  [[nodiscard]] std::string of_candidate(const Happened& happened) const;
  [[nodiscard]] std::string of_step_down(const Happened& happened) const;
  void say(const std::string& sentence) const;

  std::function<void(std::string_view)> tell_;
  const Play* play_ = nullptr;
  std::set<ServerId> asked_first_;  // began the round before with pre-votes
  std::set<ServerId> transfers_;    // stand because the leader asked
};

}  // namespace coracle::raft::sim
