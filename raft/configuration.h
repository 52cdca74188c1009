// Who belongs to the cluster, and how many of them decide.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "raft/types.h"

namespace coracle::raft {

// Voters decide; learners receive the log and decide nothing. May be empty: a server that has not
// been told its cluster yet still votes. (V9)
class Configuration {
 public:
  Configuration() = default;

  // Requires   no id twice, and none of them kNobody.
  explicit Configuration(std::vector<ServerId> voters, std::vector<ServerId> learners = {});

  [[nodiscard]] bool is_voter(ServerId server) const;
  [[nodiscard]] bool is_member(ServerId server) const;

  // Returns how many voters decide: floor(n / 2) + 1. (V15)
  [[nodiscard]] std::size_t majority() const { return voters_.size() / 2 + 1; }

  // Returns whether `servers` holds a majority of the voters; others and repetitions in it count
  // for nothing (V12). Without voters there is no majority.
  [[nodiscard]] bool has_majority(std::span<const ServerId> servers) const;

  // Voters and learners, each ascending.
  [[nodiscard]] const std::vector<ServerId>& voters() const { return voters_; }
  [[nodiscard]] const std::vector<ServerId>& learners() const { return learners_; }

  // Returns all voters, or all members, but `self`, ascending.
  [[nodiscard]] std::vector<ServerId> voters_except(ServerId self) const;
  [[nodiscard]] std::vector<ServerId> members_except(ServerId self) const;

  friend bool operator==(const Configuration&, const Configuration&) = default;

 private:
  std::vector<ServerId> voters_;
  std::vector<ServerId> learners_;
};

}  // namespace coracle::raft
