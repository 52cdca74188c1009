// What is planned against messages between servers: to lose, delay or repeat the next one of a
// kind, or each with a chance.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "raft/sim/message.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

// What becomes of one message.
struct Fate {
  enum class Kind : std::uint8_t { deliver, drop, delay, duplicate };

  Kind kind = Kind::deliver;
  Duration by{};  // of a delay
};

// Of messages in 1,000,000, over all pairs of servers.
struct MessageChances {
  std::uint64_t drop = 0;
  std::uint64_t delay = 0;
  std::uint64_t duplicate = 0;
  Duration delay_max = std::chrono::milliseconds(100);
};

// Of a request it is decided when it arrives, of a reply likewise: what the network loses is not
// seen here.
class MessageFaults {
 public:
  // Has the next `count` messages of the kind, from one server to the other, meet this fate, after
  // those that were planned before.
  void plan(MessageKind kind, ServerId from, ServerId to, const Fate& fate, std::uint64_t count);
  // The same for each from now on, until deliver_all().
  void plan_all(MessageKind kind, ServerId from, ServerId to, const Fate& fate);
  void deliver_all();
  void set_chances(const MessageChances& chances) { chances_ = chances; }

  // A message arrives.
  //   Returns    what becomes of it; what was planned for the next one is used up.
  [[nodiscard]] Fate take(const Message& message, Random& random);

  // Returns    for each plan that nothing has met yet what it waits for: "request_vote 1 -> 2".
  [[nodiscard]] std::vector<std::string> unmet() const;

 private:
  using Road = std::tuple<MessageKind, ServerId, ServerId>;
  struct Planned {
    Fate fate;
    std::uint64_t left;
  };

  std::map<Road, std::vector<Planned>> next_;
  std::map<Road, Fate> all_;
  MessageChances chances_;
};

}  // namespace coracle::raft::sim
