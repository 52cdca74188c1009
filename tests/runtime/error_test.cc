#include "runtime/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

TEST(Error, SaysWhatFailedOnWhat) {
  const Error error(ECONNREFUSED, "connect", "10.0.0.7:7000");
  EXPECT_EQ(error.code(), std::errc::connection_refused);
  EXPECT_EQ(error.operation(), "connect");
  EXPECT_EQ(error.subject(), "10.0.0.7:7000");
  EXPECT_STREQ(error.what(), "connect 10.0.0.7:7000: Connection refused");
}

TEST(Error, NeedsNoSubject) {
  const Error error(EMFILE, "accept");
  EXPECT_EQ(error.subject(), "");
  EXPECT_STREQ(error.what(), "accept: Too many open files");
}

// libuv reports -errno.
TEST(Error, TakesANegativeErrno) {
  EXPECT_EQ(Error(-ENOSPC, "write", "log").code(), std::errc::no_space_on_device);
  EXPECT_EQ(Error(-ENOSPC, "write").code(), Error(ENOSPC, "write").code());
}

TEST(Error, TakesACodeOfAnyCategory) {
  const Error error(std::make_error_code(std::io_errc::stream), "parse", "options");
  EXPECT_EQ(error.code().category(), std::iostream_category());
}

// One handler serves a loop of retries: whatever the environment did is an Error, and those are
// what the standard library's users catch too.
TEST(Error, ATimeOutIsAnErrorIsASystemError) {
  EXPECT_THROW(throw TimedOut("elect"), Error);
  EXPECT_THROW(throw TimedOut("elect"), std::system_error);
  EXPECT_EQ(TimedOut("elect", "a leader").code(), std::errc::timed_out);
}

Task<> sleep_too_long() {
  using namespace std::chrono_literals;
  co_await with_timeout(1ms, sleep_for(1h));
}

TEST(Error, ADeadlineThrowsIt) {
  try {
    run(sleep_too_long());
    FAIL() << "it slept";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::timed_out);
  }
}

}  // namespace
}  // namespace coracle
