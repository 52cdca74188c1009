#include "net/sim/sim_net.h"

#include <algorithm>
#include <utility>

#include "net/sim/sim_stream.h"
#include "runtime/check.h"

namespace coracle::net::sim {

SimNet::SimNet(Fabric& fabric, SimBackEnd& below, Loop& loop)
    : fabric_(fabric), kernel_(fabric.kernel_of(below.host())), below_(below), loop_(loop) {}

SimNet::~SimNet() {
  below_.withdraw(burial_);
  for (SimStream* stream : std::exchange(lingering_, {})) {
    --sockets_;
    delete stream;
  }
  destroy_closed();
  CORACLE_CHECK(sockets_ == 0, "a socket is destroyed before its loop ends");
}

void SimNet::bury(SimStream& stream) {
  std::erase(lingering_, &stream);
  closed_.push_back(&stream);
  if (!loop_.tearing_down()) below_.post(burial_);
}

void SimNet::destroy_closed() {
  for (SimStream* stream : std::exchange(closed_, {})) {
    --sockets_;
    delete stream;
  }
}

bool SimNet::busy() const {
  return !lingering_.empty() || std::ranges::any_of(lookups_, &SimLookup::abandoned);
}

std::string SimNet::busy_with() const {
  const auto abandoned = std::ranges::count_if(lookups_, &SimLookup::abandoned);
  return std::to_string(lingering_.size()) + " closing connections, " + std::to_string(abandoned) +
         " abandoned lookups";
}

Lookup* SimNet::look_up(const std::string& host, ResolveOperation& operation) {
  lookups_.push_back(std::make_unique<SimLookup>(*this, host, operation));
  SimLookup& lookup = *lookups_.back();
  lookup.ask();
  return &lookup;
}

void SimNet::lookup_ended(SimLookup& lookup) {
  lookups_.remove_if([&](const auto& each) { return each.get() == &lookup; });
}

}  // namespace coracle::net::sim
