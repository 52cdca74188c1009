#include "net/sim/sim_tcp.h"

namespace coracle::net::sim {

SimTcp::SimTcp(SimNet& net, Endpoint& end)
    : SimStream(net, end.peer().address().to_string(), end),
      local_(end.address()),
      peer_(end.peer().address()) {}

}  // namespace coracle::net::sim
