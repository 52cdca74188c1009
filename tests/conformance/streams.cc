// Bytes, ends and errors of one connection.
#include "tests/conformance/streams.h"

#include <functional>
#include <string>

#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"

namespace coracle::conformance {
namespace {

// --- bytes -------------------------------------------------------------------------------------

Task<> echo(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  for (;;) {
    const std::string text = co_await read_once(stream);
    if (text.empty()) co_return;
    co_await stream.write(text);
  }
}

Task<> ask_a_hundred_times(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  for (int i = 0; i < 100; ++i) {
    const std::string question = "question " + std::to_string(i);
    co_await stream.write(question);
    const std::string answer = co_await read_once(stream);
    EXPECT_EQ(answer, question);
  }
}

Task<> read_all_late(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await sleep_for(20ms);
  const std::string received = co_await read_to_end(stream);
  expect_equal_bytes(received, pattern(kEightMegabytes));
}

Task<> read_all_when_told(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  const std::string received = co_await read_to_end(stream);
  expect_equal_bytes(received, pattern(kEightMegabytes));
}

Task<> write_and_destroy(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  co_await stream.write(sent);
  destroy(std::move(stream));
}

Task<> write_canceled_and_destroy(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  const bool written = co_await within(1ms, stream.write(sent));
  EXPECT_FALSE(written) << "nobody has read yet";
  destroy(std::move(stream));
  meeting.step = 1;
}

Task<> read_nothing_until_told(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  const std::string received = co_await read_to_end(stream);
  EXPECT_EQ(received.size() % 65536, 0U);
  EXPECT_GE(received.size(), 2U * 65536);
}

// A peer that does not read holds up the writer; once it reads, the writer goes on.
Task<> write_until_held_up(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string block = pattern(65536);
  int blocks = 0;
  for (; blocks < 1000; ++blocks) {
    const bool written = co_await within(200ms, stream.write(block));
    if (!written) break;
  }
  EXPECT_LT(blocks, 1000);
  EXPECT_GE(blocks, 2);
  meeting.step = 1;
  co_await with_timeout(10s, stream.write(block));
  co_await with_timeout(10s, stream.finish());
}

Task<> read_with_timeouts(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  const std::string expected = pattern(20'000);
  std::string received;
  while (received.size() < expected.size()) {
    const auto part = co_await within(300us, read_once(stream, 700));
    if (part) received += *part;
  }
  expect_equal_bytes(received, expected);
}

Task<> write_in_pieces(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(20'000);
  for (std::size_t at = 0; at < sent.size(); at += 1000) {
    co_await stream.write(std::string_view(sent).substr(at, 1000));
    co_await sleep_for(250us);
  }
}

// --- the end -----------------------------------------------------------------------------------

Task<> answer_after_the_end(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  const std::string question = co_await read_to_end(stream);
  EXPECT_EQ(question, "question");
  co_await stream.write("answer");
  co_await stream.finish();
}

Task<> half_close(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("question");
  co_await stream.finish();
  const std::error_code after = co_await code_of(stream.write("more"));
  EXPECT_EQ(after, std::errc::broken_pipe);
  const std::string answer = co_await read_to_end(stream);
  EXPECT_EQ(answer, "answer");
  co_await stream.finish();  // again: nothing is left to wait for
}

Task<> say_bye(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await stream.write("bye");
  destroy(std::move(stream));
}

Task<> see_a_sticky_end(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string bye = co_await read_to_end(stream);
  EXPECT_EQ(bye, "bye");
  for (int i = 0; i < 3; ++i) {
    const std::string nothing = co_await read_once(stream);
    EXPECT_EQ(nothing, "");
  }
}

Task<> write_after_the_peers_end(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await sleep_for(5ms);
  // TCP takes it, and is answered with a reset.
  std::error_code code = co_await code_of(stream.write("anybody?"));
  EXPECT_EQ(code == std::error_code(), meeting.transport == Transport::tcp);
  co_await sleep_for(5ms);
  code = co_await code_of(stream.write("anybody?"));
  EXPECT_EQ(code, std::errc::broken_pipe);
  const std::string bye = co_await read_to_end(stream);
  EXPECT_EQ(bye, "bye") << "the peer had sent its end before: it is true";
}

Task<> finish_waits_for_the_peer(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  const bool written = co_await within(1ms, stream.write(sent));
  EXPECT_FALSE(written);
  bool finished = co_await within(10ms, stream.finish());
  EXPECT_FALSE(finished) << "nobody has read yet";
  meeting.step = 1;
  finished = co_await within(10s, stream.finish());
  EXPECT_TRUE(finished);
  EXPECT_EQ(stream.unsent_bytes(), 0U);
}

// --- resets ------------------------------------------------------------------------------------

// Who resets has bytes that it has not read: else there is no reset of a Unix socket.

Task<> write_and_reset(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await stream.write("1");
  co_await meeting.reached(1);
  co_await stream.write("23");
  co_await sleep_for(5ms);
  stream.reset();
  meeting.step = 2;
}

Task<> see_bytes_before_the_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string first = co_await read_once(stream);
  EXPECT_EQ(first, "1");
  co_await stream.write("unread");
  meeting.step = 1;
  co_await meeting.reached(2);
  co_await sleep_for(5ms);
  const std::string rest = co_await read_once(stream);
  EXPECT_EQ(rest, "23");
  for (int i = 0; i < 3; ++i) {
    const std::error_code code = co_await code_of(read_once(stream));
    EXPECT_EQ(code, std::errc::connection_reset);
  }
}

Task<> reset_when_told(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  stream.reset();
  meeting.step = 2;
}

Task<> write_to_a_reset_connection(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("unread");
  meeting.step = 1;
  co_await meeting.reached(2);
  co_await sleep_for(5ms);
  for (int i = 0; i < 2; ++i) {
    const std::error_code code = co_await code_of(stream.write("x"));
    EXPECT_EQ(code, std::errc::connection_reset);
  }
  std::error_code code = co_await code_of(stream.finish());
  EXPECT_EQ(code, std::errc::connection_reset);
  code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset) << "no end: the kernel tells of a reset once";
}

Task<> finish_meets_a_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  const bool written = co_await within(1ms, stream.write(sent));
  EXPECT_FALSE(written);
  meeting.step = 1;
  const std::error_code code = co_await code_of(with_timeout(10s, stream.finish()));
  EXPECT_TRUE(code == std::errc::connection_reset || code == std::errc::broken_pipe) << code;
}

Task<> expect_reset(Stream& stream, int& ended) {
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
  ++ended;
}

// The reader is told of the reset; who finishes must not wait for ever. (Of TCP the kernels have
// taken all of it, and the peer's has no room for it; of a Unix socket the stream holds the rest.)
Task<> finish_and_read_meet_a_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(meeting.transport == Transport::tcp ? 400'000 : 270'000);
  co_await stream.write(sent);
  int ended = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("read", expect_reset, std::ref(stream), std::ref(ended));
    co_await sleep_for(1ms);
    meeting.step = 1;
    const std::error_code code = co_await code_of(with_timeout(10s, stream.finish()));
    EXPECT_TRUE(code == std::errc::connection_reset || code == std::errc::broken_pipe) << code;
  });
  EXPECT_EQ(ended, 1);
}

// A kernel that has told the reader knows of no connection any more: still it was a reset.
Task<> finish_after_a_read_met_a_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("unread");
  meeting.step = 1;
  std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
  code = co_await code_of(stream.finish());
  EXPECT_EQ(code, std::errc::connection_reset);
}

Task<> leave_bytes_unread(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
  stream.set_linger(0ms);
  destroy(std::move(stream));
}

Task<> expect_reset_for_unread_bytes(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("unread");
  meeting.step = 1;
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
}

// Of a Unix socket, the peer that has left nothing unread just ends.
Task<> read_late_and_miss_something(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  co_await meeting.reached(1);
  std::size_t received = 0;
  std::error_code code;
  try {
    while (const std::size_t bytes = (co_await read_once(stream, 65536)).size()) received += bytes;
  } catch (const Error& error) {
    code = error.code();
  }
  EXPECT_LT(received, kEightMegabytes);
  EXPECT_EQ(code == std::errc::connection_reset, meeting.transport == Transport::tcp) << code;
}

Task<> drop_with_no_linger(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  const std::string sent = pattern(kEightMegabytes);
  const bool written = co_await within(5ms, stream.write(sent));
  EXPECT_FALSE(written);
  stream.set_linger(0ms);
  destroy(std::move(stream));
  meeting.step = 1;
}

Task<> all_of_it(Meeting& meeting) {
  Stream stream = co_await accept_one(meeting);
  const std::string received = co_await read_to_end(stream);
  EXPECT_EQ(received, "all of it");
}

Task<> end_in_order_with_no_linger(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("all of it");
  stream.set_linger(0ms);
  destroy(std::move(stream));
}

constexpr Scenario kScenarios[] = {
    {"Echo", echo, ask_a_hundred_times},
    {"EightMegabytesWrittenAndDestroyedAtOnce", read_all_late, write_and_destroy},
    {"ACanceledWriteIsAcceptedWhole", read_all_when_told, write_canceled_and_destroy},
    {"APeerThatDoesNotReadHoldsUpTheWriter", read_nothing_until_told, write_until_held_up},
    {"ACanceledReadLosesNothing", read_with_timeouts, write_in_pieces},
    {"HalfClose", answer_after_the_end, half_close},
    {"TheEndIsSticky", say_bye, see_a_sticky_end},
    {"AnEndBeforeABrokenWriteStaysAnEnd", say_bye, write_after_the_peers_end},
    {"FinishWaitsUntilThePeerHasItAll", read_all_when_told, finish_waits_for_the_peer},
    {"BytesComeBeforeTheReset", write_and_reset, see_bytes_before_the_reset},
    {"AWriteThatMeetsAReset", reset_when_told, write_to_a_reset_connection},
    {"FinishThatMeetsAReset", reset_when_told, finish_meets_a_reset},
    {"FinishBesideAReadThatMeetsAReset", reset_when_told, finish_and_read_meet_a_reset},
    {"FinishAfterAReadThatMetAReset", reset_when_told, finish_after_a_read_met_a_reset},
    {"UnreadBytesMakeACloseAReset", leave_bytes_unread, expect_reset_for_unread_bytes},
    {"NoLingerDropsWhatIsUnsent", read_late_and_miss_something, drop_with_no_linger},
    {"NoLingerEndsInOrderWhenAllIsSent", all_of_it, end_in_order_with_no_linger},
};

}  // namespace

std::span<const Scenario> stream_scenarios() { return kScenarios; }

}  // namespace coracle::conformance
