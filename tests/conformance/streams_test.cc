// The scenarios of streams on the real back end, and on simulated hosts.
#include "tests/conformance/streams.h"

#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "tests/conformance/scenario_run.h"

namespace coracle::conformance {
namespace {

using net::Transport;
using testing::TestParamInfo;
using testing::TestWithParam;

struct Case {
  Scenario scenario;
  Transport transport;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.scenario.name; }

class StreamConformance : public TestWithParam<Case> {};
class WireConformance : public TestWithParam<Case> {};

std::vector<Case> cases_of(Transport transport) {
  std::vector<Case> all;
  const auto add = [&](std::span<const Scenario> scenarios) {
    for (const Scenario& scenario : scenarios) all.push_back({scenario, transport});
  };
  add(stream_scenarios());
  add(sending_scenarios());
  add(connection_scenarios());
  if (transport == Transport::tcp) {
    add(tcp_scenarios());
    add(tcp_sending_scenarios());
  } else {
    add(unix_scenarios());
  }
  return all;
}

TEST_P(StreamConformance, OnTheRealBackEnd) {
  run_in_reality(GetParam().scenario, GetParam().transport);
}

TEST_P(StreamConformance, OnSimulatedHosts) {
  const auto& [scenario, transport] = GetParam();
  const Hosts hosts = transport == Transport::tcp ? Hosts::two : Hosts::one;
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    run_simulated(scenario, {.seed = seed, .hosts = hosts, .transport = transport});
  }
}

TEST_P(WireConformance, WithDuplicates) {
  const auto& [scenario, transport] = GetParam();
  for (std::uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    run_simulated(scenario, {.seed = seed, .transport = transport, .link = {.duplication = 0.5}});
  }
}

std::string name_of(const TestParamInfo<Case>& info) { return info.param.scenario.name; }

INSTANTIATE_TEST_SUITE_P(Tcp, StreamConformance, testing::ValuesIn(cases_of(Transport::tcp)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Unix, StreamConformance,
                         testing::ValuesIn(cases_of(Transport::unix_socket)), name_of);
INSTANTIATE_TEST_SUITE_P(Tcp, WireConformance, testing::ValuesIn(cases_of(Transport::tcp)),
                         name_of);

}  // namespace
}  // namespace coracle::conformance
