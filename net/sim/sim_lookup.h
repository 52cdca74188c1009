// One lookup of a simulated process. Mechanism.
#pragma once

#include <string>
#include <vector>

#include "net/resolve.h"
#include "runtime/sim/agenda.h"
#include "runtime/sim/sim_back_end.h"

namespace coracle::net::sim {

class Kernel;
class SimNet;

// Owned by its SimNet, until it has been answered, whether anybody waits or not.
class SimLookup final : public Lookup,
                        private coracle::sim::Happening,
                        private coracle::sim::Notice {
 public:
  SimLookup(SimNet& net, std::string host, ResolveOperation& operation);
  ~SimLookup();

  [[nodiscard]] Kernel& kernel() const;
  [[nodiscard]] bool abandoned() const { return operation_ == nullptr; }

  // Asks the name's server, which answers after a while, or hangs.
  void ask();
  void answer_later();
  void abandon() override { operation_ = nullptr; }

 private:
  void expired() override;  // the answer has arrived
  void arrived() override;  // and the process is told

  SimNet& net_;
  std::string host_;
  ResolveOperation* operation_;
  std::error_code error_;
  std::vector<Address> addresses_;
};

}  // namespace coracle::net::sim
