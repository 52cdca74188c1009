#include "tests/conformance/scenario_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/task_group.h"
#include "tests/conformance/meeting_ends.h"

namespace coracle::conformance {
namespace {

Task<> run_both(Scenario scenario, Meeting& meeting) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("server", scenario.serve, std::ref(meeting));
    group.spawn("client", scenario.connect, std::ref(meeting));
    co_return;
  });
}

void expect_no_failure(const sim::Host& host) {
  if (host.failure() == nullptr) return;
  ADD_FAILURE() << host.name() << " failed: " << describe_exception(host.failure());
}

}  // namespace

void run_in_reality(const Scenario& scenario, Transport transport) {
  Meeting meeting;
  meeting.transport = transport;
  meeting.bind = net::Address::loopback(0);
  meeting.path = net::new_socket_path();
  net::in_loop([&] { return run_both(scenario, meeting); });
}

void run_simulated(const Scenario& scenario, const SimulatedRun& how) {
  SCOPED_TRACE("seed " + std::to_string(how.seed));
  sim::Simulation world(how.seed);
  net::sim::Network network(world);
  network.set_default_link(how.link);
  sim::Host& server = world.add_host("server");
  sim::Host& client = world.add_host("client");
  Meeting meeting;
  meeting.transport = how.transport;
  meeting.bind = net::sim::Network::address_of(server, 0);
  meeting.path = "/run/server.sock";
  if (how.hosts == Hosts::two) {
    server.start(scenario.serve, std::ref(meeting));
    client.start(scenario.connect, std::ref(meeting));
  } else {
    server.start(run_both, scenario, std::ref(meeting));
  }
  world.run();
  expect_no_failure(server);
  expect_no_failure(client);
  world.run_for(1s);
  EXPECT_EQ(network.connections(), 0U);
  EXPECT_EQ(network.sockets_of(server), 0U);
  EXPECT_EQ(network.sockets_of(client), 0U);
}

}  // namespace coracle::conformance
