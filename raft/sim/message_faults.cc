#include "raft/sim/message_faults.h"

namespace coracle::raft::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

}  // namespace

void MessageFaults::plan(MessageKind kind, ServerId from, ServerId to, const Fate& fate,
                         std::uint64_t count) {
  next_[{kind, from, to}].push_back({fate, count});
}

void MessageFaults::plan_all(MessageKind kind, ServerId from, ServerId to, const Fate& fate) {
  all_[{kind, from, to}] = fate;
}

void MessageFaults::deliver_all() {
  all_.clear();
  chances_ = {};
}

// One draw decides, so that a chance that is off changes nothing in the sequence of the others.
Fate MessageFaults::take(const Message& message, Random& random) {
  const Road road{message.kind, message.from, message.to};
  if (const auto planned = next_.find(road); planned != next_.end()) {
    const Fate fate = planned->second.front().fate;
    if (--planned->second.front().left == 0) planned->second.erase(planned->second.begin());
    if (planned->second.empty()) next_.erase(planned);
    return fate;
  }
  if (const auto always = all_.find(road); always != all_.end()) return always->second;
  const std::uint64_t all_chances = chances_.drop + chances_.delay + chances_.duplicate;
  if (all_chances == 0) return {};
  const std::uint64_t drawn = random.below(kMillion);
  if (drawn < chances_.drop) return {.kind = Fate::Kind::drop};
  if (drawn < chances_.drop + chances_.delay) {
    return {.kind = Fate::Kind::delay, .by = random.between(Duration(1), chances_.delay_max)};
  }
  if (drawn < all_chances) return {.kind = Fate::Kind::duplicate};
  return {};
}

std::vector<std::string> MessageFaults::unmet() const {
  std::vector<std::string> roads;
  for (const auto& [road, planned] : next_) {
    const auto& [kind, from, to] = road;
    roads.push_back(std::string(to_string(kind)) + " " + std::to_string(from) + " -> " +
                    std::to_string(to));
  }
  return roads;
}

}  // namespace coracle::raft::sim
