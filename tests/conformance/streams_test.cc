// The scenarios of streams on the real back end, and on two simulated hosts.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <span>
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

struct Case {
  Scenario scenario;
  Transport transport;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.scenario.name; }

class StreamConformance : public TestWithParam<Case> {};

std::vector<Case> all_cases() {
  std::vector<Case> all;
  const auto add = [&](std::span<const Scenario> scenarios, Transport transport) {
    for (const Scenario& scenario : scenarios) all.push_back({scenario, transport});
  };
  for (const Transport transport : {Transport::tcp, Transport::unix_socket}) {
    add(stream_scenarios(), transport);
    add(sending_scenarios(), transport);
    add(connection_scenarios(), transport);
  }
  add(tcp_scenarios(), Transport::tcp);
  add(tcp_sending_scenarios(), Transport::tcp);
  add(unix_scenarios(), Transport::unix_socket);
  return all;
}

Task<> run_both(Scenario scenario, Meeting& meeting) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("server", scenario.serve, std::ref(meeting));
    group.spawn("client", scenario.connect, std::ref(meeting));
    co_return;
  });
}

TEST_P(StreamConformance, OnTheRealBackEnd) {
  Meeting meeting;
  meeting.transport = GetParam().transport;
  meeting.bind = net::Address::loopback(0);
  meeting.path = net::new_socket_path();
  net::in_loop([&] { return run_both(GetParam().scenario, meeting); });
}

void expect_no_failure(const sim::Host& host) {
  if (host.failure() == nullptr) return;
  ADD_FAILURE() << host.name() << " failed: " << describe_exception(host.failure());
}

// Two hosts for TCP, one for a Unix socket. Nothing is left in any kernel once the last orphan has
// gone.
void run_simulated(const Case& each, std::uint64_t seed, const net::sim::Link& link) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  sim::Simulation world(seed);
  net::sim::Network network(world);
  network.set_default_link(link);
  sim::Host& server = world.add_host("server");
  sim::Host& client = world.add_host("client");
  Meeting meeting;
  meeting.transport = each.transport;
  meeting.bind = net::sim::Network::address_of(server, 0);
  meeting.path = "/run/server.sock";
  if (each.transport == Transport::tcp) {
    server.start(each.scenario.serve, std::ref(meeting));
    client.start(each.scenario.connect, std::ref(meeting));
  } else {
    server.start(run_both, each.scenario, std::ref(meeting));
  }
  world.run();
  expect_no_failure(server);
  expect_no_failure(client);
  world.run_for(1s);
  EXPECT_EQ(network.connections(), 0U);
  EXPECT_EQ(network.sockets_of(server), 0U);
}

TEST_P(StreamConformance, OnSimulatedHosts) {
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    run_simulated(GetParam(), seed, {});
  }
}

TEST_P(StreamConformance, OnAWireWithDuplicates) {
  if (GetParam().transport != Transport::tcp) GTEST_SKIP() << "it has no wire";
  for (std::uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    run_simulated(GetParam(), seed, {.duplication = 0.5});
  }
}

std::string name_of(const TestParamInfo<Case>& info) {
  return to_string(info.param.transport) + info.param.scenario.name;
}

INSTANTIATE_TEST_SUITE_P(All, StreamConformance, testing::ValuesIn(all_cases()), name_of);

}  // namespace
}  // namespace coracle::conformance
