// The scenarios of datagrams on the real back end, and on two simulated hosts.
#include "tests/conformance/datagrams.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/task_group.h"
#include "tests/conformance/meeting_ends.h"

namespace coracle::conformance {
namespace {

using testing::TestParamInfo;
using testing::TestWithParam;

class DatagramConformance : public TestWithParam<Scenario> {};

TEST_P(DatagramConformance, OnTheRealBackEnd) {
  const Scenario scenario = GetParam();
  Meeting meeting;
  meeting.bind = net::Address::loopback(0);
  net::in_loop([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("server", scenario.serve, std::ref(meeting));
      group.spawn("client", scenario.connect, std::ref(meeting));
      co_return;
    });
  });
}

void expect_no_failure(const sim::Host& host) {
  if (host.failure() == nullptr) return;
  ADD_FAILURE() << host.name() << " failed: " << describe_exception(host.failure());
}

TEST_P(DatagramConformance, OnOneSimulatedHost) {
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::Simulation world(seed);
    net::sim::Network network(world);
    sim::Host& host = world.add_host("host");
    Meeting meeting;
    meeting.bind = net::sim::Network::address_of(host, 0);
    const Scenario scenario = GetParam();
    const auto both = [&]() -> Task<> {
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("server", scenario.serve, std::ref(meeting));
        group.spawn("client", scenario.connect, std::ref(meeting));
        co_return;
      });
    };
    host.start(both);
    world.run();
    expect_no_failure(host);
    EXPECT_EQ(network.sockets_of(host), 0U);
  }
}

std::string name_of(const TestParamInfo<Scenario>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, DatagramConformance, testing::ValuesIn(datagram_scenarios()),
                         name_of);

}  // namespace
}  // namespace coracle::conformance
