// The scenarios of streams on the real back end, and on two simulated hosts.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/task_group.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

using testing::TestParamInfo;
using testing::TestWithParam;

class StreamConformance : public TestWithParam<Scenario> {};

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (const Scenario& scenario : stream_scenarios()) all.push_back(scenario);
  for (const Scenario& scenario : sending_scenarios()) all.push_back(scenario);
  for (const Scenario& scenario : connection_scenarios()) all.push_back(scenario);
  return all;
}

TEST_P(StreamConformance, OnTheRealBackEnd) {
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

// Nothing is left in any kernel once the last orphan has gone.
void run_simulated(const Scenario& scenario, std::uint64_t seed, const net::sim::Link& link) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  sim::Simulation world(seed);
  net::sim::Network network(world);
  network.set_default_link(link);
  sim::Host& server = world.add_host("server");
  sim::Host& client = world.add_host("client");
  Meeting meeting;
  meeting.bind = net::sim::Network::address_of(server, 0);
  server.start(scenario.serve, std::ref(meeting));
  client.start(scenario.connect, std::ref(meeting));
  world.run();
  expect_no_failure(server);
  expect_no_failure(client);
  world.run_for(1s);
  EXPECT_EQ(network.connections(), 0U);
}

TEST_P(StreamConformance, OnSimulatedHosts) {
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    run_simulated(GetParam(), seed, {});
  }
}

TEST_P(StreamConformance, OnAWireWithDuplicates) {
  for (std::uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    run_simulated(GetParam(), seed, {.duplication = 0.5});
  }
}

std::string name_of(const TestParamInfo<Scenario>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, StreamConformance, testing::ValuesIn(all_scenarios()), name_of);

}  // namespace
}  // namespace coracle::conformance
