#include "net/sim/sim_lookup.h"

#include <utility>

#include "net/sim/sim_net.h"

namespace coracle::net::sim {

SimLookup::SimLookup(SimNet& net, std::string host, ResolveOperation& operation)
    : net_(net), host_(std::move(host)), operation_(&operation) {}

SimLookup::~SimLookup() {
  net_.fabric().agenda().cancel(*this);
  net_.fabric().remove_hanging(*this);
  net_.below().withdraw(*this);
}

Kernel& SimLookup::kernel() const { return net_.kernel(); }

void SimLookup::ask() {
  if (net_.fabric().lookups_of(kernel()) == Lookups::hanging) {
    net_.fabric().add_hanging(*this);
  } else {
    answer_later();
  }
}

void SimLookup::answer_later() {
  constexpr Duration kShortest = std::chrono::microseconds(200);
  constexpr Duration kLongest = std::chrono::milliseconds(2);
  Fabric& fabric = net_.fabric();
  const Duration delay = fabric.random().between(kShortest, kLongest);
  fabric.agenda().plan(*this, deadline_after(fabric.agenda().now(), delay));
}

void SimLookup::expired() {
  Fabric& fabric = net_.fabric();
  if (fabric.lookups_of(kernel()) == Lookups::failing) {
    error_ = ResolveError::try_again;
  } else if (host_ == "localhost") {
    addresses_.push_back(Address::loopback(0));
  } else if (const Kernel* found = fabric.kernel_named(host_)) {
    addresses_.push_back(found->address());
  } else {
    error_ = ResolveError::unknown_name;
  }
  net_.below().post(*this);
}

void SimLookup::arrived() {
  if (operation_ != nullptr) operation_->done(error_, std::move(addresses_));
  net_.lookup_ended(*this);  // destroys this
}

}  // namespace coracle::net::sim
