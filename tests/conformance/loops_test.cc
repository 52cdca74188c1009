// Loops on both back ends: one test per behavior and back end.
#include <gtest/gtest.h>

#include <exception>
#include <ostream>
#include <string>

#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "tests/conformance/loops.h"

namespace coracle::conformance {

std::ostream& operator<<(std::ostream& out, const LoopBehavior& behavior) {
  return out << behavior.name;
}

namespace {

class LoopConformance : public testing::TestWithParam<LoopBehavior> {};

TEST_P(LoopConformance, InReality) { run(GetParam().check()); }

TEST_P(LoopConformance, InASimulation) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Simulation world(seed);
    sim::Host& host = world.add_host("a");
    host.start(GetParam().check);
    world.run();
    if (host.failure() != nullptr) std::rethrow_exception(host.failure());
  }
}

std::string name_of(const testing::TestParamInfo<LoopBehavior>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(All, LoopConformance, testing::ValuesIn(loop_behaviors()), name_of);

}  // namespace
}  // namespace coracle::conformance
