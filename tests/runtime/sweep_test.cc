// The sweeps themselves: they stop at each suspension, and see what a run leaves behind.
#include "tests/runtime/sweep.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "runtime/sleep.h"
#include "runtime/task.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

int reached = 0;

Task<> yield_thrice() {
  for (int i = 0; i < 3; ++i) {
    co_await yield();
    ++reached;
  }
}

TEST(Sweep, CancelsAtEachSuspensionOnce) {
  reached = 0;
  EXPECT_EQ(sweep::cancel_everywhere(yield_thrice), 4);  // before it began, and at three yields
  EXPECT_EQ(reached, 0 + 1 + 2 + 3 + 3);  // a yield is granted at once, so it beats the request
}

TEST(Sweep, CrashesAtEachSuspensionOnce) {
  reached = 0;
  EXPECT_EQ(sweep::crash_everywhere(yield_thrice), 4);
  EXPECT_EQ(reached, 0 + 0 + 1 + 2 + 3);
}

Task<> sleep_twice() {
  co_await sleep_for(1ms);
  co_await sleep_for(1ms);
}

TEST(Sweep, DoesNotCountPassesThatResumeNothing) {
  EXPECT_EQ(sweep::cancel_everywhere(sleep_twice), 3);
  EXPECT_EQ(sweep::crash_everywhere(sleep_twice), 3);
  EXPECT_EQ(sweep::crash_while_canceling_everywhere(sleep_twice), 3);
}

int leaked_descriptor = -1;

Task<> leak_a_descriptor_once() {
  if (leaked_descriptor < 0) leaked_descriptor = dup(STDERR_FILENO);
  co_return;
}

TEST(Sweep, SeesALeakedDescriptor) {
  EXPECT_NONFATAL_FAILURE(sweep::cancel_everywhere(leak_a_descriptor_once),
                          "descriptors were leaked");
  close(leaked_descriptor);
}

Task<> never_awaited() { co_return; }

std::unique_ptr<Task<>> leaked_frame;

Task<> leak_a_frame_once() {
  if (!leaked_frame) leaked_frame = std::make_unique<Task<>>(never_awaited());
  co_return;
}

TEST(Sweep, SeesALeakedFrame) {
  if (!kDebugChecks) GTEST_SKIP() << "frames are counted in debug builds";
  EXPECT_NONFATAL_FAILURE(sweep::cancel_everywhere(leak_a_frame_once), "frames were leaked");
  leaked_frame.reset();
}

bool failed = false;

Task<> fail_once() {
  co_await yield();
  if (!std::exchange(failed, true)) throw std::runtime_error("lost");
}

TEST(Sweep, SeesAnException) {
  EXPECT_NONFATAL_FAILURE(sweep::cancel_everywhere(fail_once), "the run threw: lost");
}

}  // namespace
}  // namespace coracle
