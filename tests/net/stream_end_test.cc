// How a stream ends: in order, by a reset, half of it, and what is seen of that.
#include <gtest/gtest.h>

#include <functional>

#include "net/stream.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace coracle::net {
namespace {

constexpr std::size_t kMegabyte = 1024 * 1024;

class StreamEnd : public testing::TestWithParam<Transport> {};

TEST_P(StreamEnd, EndIsSticky) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.client.write("last words");
    {
      const Stream gone = std::move(pair.client);
    }
    const std::string words = co_await read_to_end(pair.server);
    EXPECT_EQ(words, "last words");
    for (int i = 0; i < 3; ++i) {
      const std::string nothing = co_await read_once(pair.server);
      EXPECT_EQ(nothing, "");
    }
  });
}

TEST_P(StreamEnd, ErrorIsStickyAndComesAfterTheBytes) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    const std::string reset = "read " + pair.server.peer_name() + ": Connection reset by peer";
    co_await pair.client.write("1");
    const std::string first = co_await read_once(pair.server);
    EXPECT_EQ(first, "1");
    co_await pair.client.write("23");
    co_await pair.server.write("unread: a Unix socket resets for nothing else");
    co_await sleep_for(5ms);
    pair.client.reset();
    EXPECT_FALSE(pair.client.connected());
    co_await sleep_for(5ms);
    const std::string second = co_await read_once(pair.server);
    EXPECT_EQ(second, "23");
    for (int i = 0; i < 3; ++i) {
      const std::string error = co_await error_of(read_once(pair.server));
      EXPECT_EQ(error, reset);
    }
  });
}

TEST_P(StreamEnd, WritingToAResetConnectionThrowsAndStaysSo) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    pair.client.reset();
    co_await sleep_for(5ms);
    std::string error = co_await error_of(pair.server.write("x"));
    EXPECT_NE(error, "no error");
    error = co_await error_of(pair.server.write("x"));
    EXPECT_NE(error, "no error");
    error = co_await error_of(pair.server.finish());
    EXPECT_NE(error, "no error");
  });
}

// The kernel tells of a reset once: a write that has met it leaves an end to be read, which must
// not pass for the peer's.
TEST_P(StreamEnd, AResetThatAWriteHasMetIsNoEndForReaders) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.server.write("unread");
    pair.client.reset();
    co_await sleep_for(5ms);
    std::string error = co_await error_of(pair.server.write("x"));
    EXPECT_EQ(error, "write " + pair.server.peer_name() + ": Connection reset by peer");
    for (int i = 0; i < 2; ++i) {
      error = co_await error_of(read_once(pair.server));
      EXPECT_EQ(error, "read " + pair.server.peer_name() + ": Connection reset by peer");
    }
  });
}

TEST_P(StreamEnd, AResetThatFinishHasMetIsNoEndForReaders) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    const std::string large = pattern(8 * kMegabyte);
    static_cast<void>(co_await within(1ms, pair.server.write(large)));
    pair.client.reset();
    co_await sleep_for(5ms);
    std::string error = co_await error_of(pair.server.finish());
    EXPECT_NE(error, "no error");
    error = co_await error_of(read_once(pair.server));
    EXPECT_EQ(error, "read " + pair.server.peer_name() + ": Connection reset by peer");
  });
}

// The peer had sent its end before it was gone: that end is true.
TEST_P(StreamEnd, AnEndBeforeABrokenWriteStaysAnEnd) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.client.write("bye");
    {
      const Stream gone = std::move(pair.client);
    }
    co_await sleep_for(5ms);
    // TCP takes it, and is answered with a reset.
    std::string error = co_await error_of(pair.server.write("anybody?"));
    EXPECT_EQ(error == "no error", GetParam() == Transport::tcp);
    co_await sleep_for(5ms);
    error = co_await error_of(pair.server.write("anybody?"));
    EXPECT_NE(error, "no error");
    const std::string bye = co_await read_to_end(pair.server);
    EXPECT_EQ(bye, "bye");
  });
}

TEST_P(StreamEnd, FinishWaitsUntilThePeerHasItAll) {
  const std::string sent = pattern(8 * kMegabyte);
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    static_cast<void>(co_await within(1ms, pair.client.write(sent)));
    bool finished = co_await within(30ms, pair.client.finish());
    EXPECT_FALSE(finished) << "nobody has read yet";
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "finish",
          [](Stream& stream, bool& done) -> Task<> {
            co_await stream.finish();
            done = true;
          },
          std::ref(pair.client), std::ref(finished));
      const std::string received = co_await read_to_end(pair.server);
      expect_equal_bytes(received, sent);
    });
    EXPECT_TRUE(finished);
    EXPECT_EQ(pair.client.unsent_bytes(), 0U);
  });
}

TEST_P(StreamEnd, FinishThrowsWhenThePeerResets) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    const std::string large = pattern(8 * kMegabyte);
    static_cast<void>(co_await within(1ms, pair.client.write(large)));
    pair.server.reset();
    const std::string error = co_await error_of(pair.client.finish());
    EXPECT_NE(error.find("finish " + pair.client.peer_name() + ": "), error.npos) << error;
  });
}

TEST_P(StreamEnd, ReadsOnAfterItHasFinished) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.client.write("question");
    co_await pair.client.finish();
    const std::string question = co_await read_to_end(pair.server);
    EXPECT_EQ(question, "question");
    co_await pair.server.write("answer");
    co_await pair.server.finish();
    const std::string answer = co_await read_to_end(pair.client);
    EXPECT_EQ(answer, "answer");
    co_await pair.client.finish();  // again: nothing is left to wait for
    const std::string error = co_await error_of(pair.client.write("more"));
    EXPECT_EQ(error, "write " + pair.client.peer_name() + ": Broken pipe");
  });
}

INSTANTIATE_TEST_SUITE_P(Over, StreamEnd, kTransports, name_of_transport);

// Linux tells the peer of a Unix socket nothing of a reset if it left nothing unread.
TEST(StreamEndOfUnix, AResetThatLeavesNothingUnreadIsAnEnd) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(Transport::unix_socket);
    co_await pair.client.write("all that was sent");
    pair.client.reset();
    const std::string all = co_await read_to_end(pair.server);
    EXPECT_EQ(all, "all that was sent");
  });
}

}  // namespace
}  // namespace coracle::net
