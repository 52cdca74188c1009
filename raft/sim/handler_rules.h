// What a server may make of one request: the rules of Figure 2 and of the dissertation, stated over
// what it was like before and after, without looking at how it decides.
#pragma once

#include <map>

#include "raft/options.h"
#include "raft/sim/facts.h"
#include "raft/sim/message.h"
#include "raft/sim/wire_tap.h"

namespace coracle::raft::sim {

class HandlerRules {
 public:
  // A life of a server begins: it has heard of no leader.
  void started(ServerId server) { contact_.erase(server); }
  // It gets a message.
  void receives(ServerId server, const Message& message, const Facts& facts);
  // Adds to the facts of a server which leader it has heard.
  void add_contact(ServerId server, Facts& facts) const;
  // It has handled a request.
  static void handled(const Handled& handled, const Options& options);

 private:
  struct Contact {
    ServerId leader = kNobody;
    TimePoint when{};
  };

  std::map<ServerId, Contact> contact_;
};

}  // namespace coracle::raft::sim
