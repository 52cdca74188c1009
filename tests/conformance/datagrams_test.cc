// The scenarios of datagrams on the real back end, and on a simulated host.
#include "tests/conformance/datagrams.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/conformance/scenario_run.h"

namespace coracle::conformance {
namespace {

using testing::TestParamInfo;

class DatagramConformance : public testing::TestWithParam<Scenario> {};

TEST_P(DatagramConformance, OnTheRealBackEnd) { run_in_reality(GetParam()); }

TEST_P(DatagramConformance, OnOneSimulatedHost) {
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    run_simulated(GetParam(), {.seed = seed, .hosts = Hosts::one});
  }
}

std::string name_of(const TestParamInfo<Scenario>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, DatagramConformance, testing::ValuesIn(datagram_scenarios()),
                         name_of);

}  // namespace
}  // namespace coracle::conformance
