// What becomes of bytes that were written: while their writer is canceled, before the peer has
// them, after a reset.
#include <functional>
#include <string>

#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

// --- canceled ----------------------------------------------------------------------------------

Task<> read_all_when_told(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  const std::string received = co_await read_to_end(stream);
  expect_equal_bytes(received, pattern(kEightMegabytes));
}

// A scope that was canceled before the write is no other than one that is canceled during it.
Task<> write_in_a_canceled_scope(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.cancel();
    co_await stream.write(sent);
    ADD_FAILURE() << "nobody has read yet";
  });
  destroy(std::move(stream));
  meeting.step = 1;
}

Task<> read_what_was_written(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  const std::string received = co_await with_timeout(10s, read_to_end(stream));
  co_await meeting.reached(1);
  expect_equal_bytes(received, pattern(static_cast<std::size_t>(meeting.step)));
}

Task<> write_bytewise(Stream& stream, const std::string& bytes, std::size_t& written) {
  for (;;) co_await stream.write(std::string_view(bytes).substr(written++, 1));
}

// What can be done at once is done, until a fiber has had its turn. Then its next write throws, and
// is sent all the same.
Task<> write_until_canceled(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string bytes = pattern(1000);
  std::size_t written = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.cancel();
    group.spawn("write", write_bytewise, std::ref(stream), std::cref(bytes), std::ref(written));
    co_return;
  });
  EXPECT_GT(written, 1U);
  EXPECT_LT(written, bytes.size());
  co_await stream.finish();
  meeting.step = static_cast<int>(written);
}

// How many operations a fiber may do in one turn.
constexpr std::size_t kTurn = 128;

Task<> write_and_finish(Stream& stream, const std::string& bytes) {
  for (std::size_t i = 0; i < kTurn; ++i) {
    co_await stream.write(std::string_view(bytes).substr(i, 1));
  }
  co_await stream.finish();
}

// The same for the end of the stream.
Task<> finish_when_canceled(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string bytes = pattern(kTurn);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.cancel();
    group.spawn("write", write_and_finish, std::ref(stream), std::cref(bytes));
    co_return;
  });
  meeting.step = static_cast<int>(kTurn);
  const std::string nothing = co_await with_timeout(10s, read_to_end(stream));
  EXPECT_EQ(nothing, "");
}

// --- unacknowledged ----------------------------------------------------------------------------

Task<> watch_the_peer_read(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  EXPECT_EQ(stream.unacknowledged_bytes(), 0U);
  const std::string sent = pattern(kEightMegabytes);
  static_cast<void>(co_await within(1ms, stream.write(sent)));
  const std::size_t held = stream.unacknowledged_bytes();
  EXPECT_GT(held, stream.unsent_bytes()) << "the kernel holds some";
  EXPECT_LE(held, sent.size());
  meeting.step = 1;
  co_await with_timeout(10s, stream.finish());
  EXPECT_EQ(stream.unacknowledged_bytes(), 0U);
}

// --- reset -------------------------------------------------------------------------------------

Task<> reset_when_told(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  stream.reset();
  meeting.step = 2;
}

// The kernels have taken all of it, so that nothing but the question meets the reset.
Task<> hold_bytes_for_nobody(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(200'000);
  co_await stream.write(sent);
  meeting.step = 1;
  co_await meeting.reached(2);
  co_await sleep_for(5ms);
  EXPECT_EQ(stream.unacknowledged_bytes(), 0U);
  std::error_code code = co_await code_of(stream.write("x"));
  EXPECT_EQ(code, std::errc::connection_reset);
  code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset) << "no end: a kernel tells of a reset once";
}

// Whether the end comes before the reset or not at all: nothing can be written any more.
Task<> write_to_nobody(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  meeting.step = 1;
  co_await meeting.reached(2);
  co_await sleep_for(5ms);
  const std::error_code code = co_await code_of(stream.write("too late"));
  EXPECT_TRUE(code == std::errc::broken_pipe || code == std::errc::connection_reset) << code;
}

Task<> begin_to_finish_and_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("all of it");
  co_await meeting.reached(1);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.cancel();
    co_await stream.finish();
  });
  stream.reset();
  meeting.step = 2;
}

constexpr Scenario kScenarios[] = {
    {"AWriteInACanceledScopeIsAcceptedWhole", read_all_when_told, write_in_a_canceled_scope},
    {"ACanceledFiberLosesNothingItWrote", read_what_was_written, write_until_canceled},
    {"FinishInACanceledFiberSendsTheEnd", read_what_was_written, finish_when_canceled},
    {"AResetWhileTheEndIsSent", write_to_nobody, begin_to_finish_and_reset},
};

// What a Unix socket's kernel has taken, the peer's machine has; and it knows no resets.
constexpr Scenario kTcpScenarios[] = {
    {"UnacknowledgedBytesAreThoseThePeerLacks", read_all_when_told, watch_the_peer_read},
    {"NothingIsUnacknowledgedAfterAReset", reset_when_told, hold_bytes_for_nobody},
};

}  // namespace

std::span<const Scenario> sending_scenarios() { return kScenarios; }
std::span<const Scenario> tcp_sending_scenarios() { return kTcpScenarios; }

}  // namespace coracle::conformance
