#include "raft/configuration.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/check.h"

namespace coracle::raft {
namespace {

std::vector<ServerId> all_but(std::vector<ServerId> servers, ServerId excluded) {
  std::erase(servers, excluded);
  return servers;
}

}  // namespace

Configuration::Configuration(std::vector<ServerId> voters, std::vector<ServerId> learners)
    : voters_(std::move(voters)), learners_(std::move(learners)) {
  std::ranges::sort(voters_);
  std::ranges::sort(learners_);
  const std::vector<ServerId> all = members_except(kNobody);
  CORACLE_CHECK(all.size() == voters_.size() + learners_.size(), "0 is no server's id");
  CORACLE_CHECK(std::ranges::adjacent_find(all) == all.end(), "a server is named once");
}

bool Configuration::is_voter(ServerId server) const {
  return std::ranges::binary_search(voters_, server);
}

bool Configuration::is_member(ServerId server) const {
  return is_voter(server) || std::ranges::binary_search(learners_, server);
}

bool Configuration::has_majority(std::span<const ServerId> servers) const {
  const auto holds = [&](ServerId voter) { return std::ranges::count(servers, voter) > 0; };
  const auto held = static_cast<std::size_t>(std::ranges::count_if(voters_, holds));
  return held >= majority();
}

std::vector<ServerId> Configuration::voters_except(ServerId self) const {
  return all_but(voters_, self);
}

std::vector<ServerId> Configuration::members_except(ServerId self) const {
  std::vector<ServerId> members;
  std::ranges::merge(voters_, learners_, std::back_inserter(members));
  return all_but(std::move(members), self);
}

}  // namespace coracle::raft
