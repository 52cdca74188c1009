// Files on both back ends: one test per behavior and back end.
#include <gtest/gtest.h>

#include <exception>
#include <ostream>
#include <string>

#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/sim/simulation.h"
#include "tests/conformance/files.h"
#include "tests/runtime/temporary_directory.h"

namespace coracle::conformance {

std::ostream& operator<<(std::ostream& out, const FileBehavior& behavior) {
  return out << behavior.name;
}

namespace {

class FileConformance : public testing::TestWithParam<FileBehavior> {};

TEST_P(FileConformance, OnTheRealDisk) {
  const TemporaryDirectory directory;
  run(GetParam().check(directory.path()));
}

Task<> check_in_a_new_directory(FileBehavior behavior) {
  co_await make_directory("/data");
  co_await behavior.check("/data");
}

TEST_P(FileConformance, OnTheSimulatedDisk) {
  sim::Simulation world(/*seed=*/1);
  sim::Host& host = world.add_host("a");
  host.start(check_in_a_new_directory, GetParam());
  world.run();
  if (host.failure() != nullptr) std::rethrow_exception(host.failure());
  EXPECT_EQ(host.disk().open_descriptors(), 0U);
}

std::string name_of(const testing::TestParamInfo<FileBehavior>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(All, FileConformance, testing::ValuesIn(file_behaviors()), name_of);

}  // namespace
}  // namespace coracle::conformance
