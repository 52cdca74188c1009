// What every stream promises (net/stream.h), over each transport.
#include "net/stream.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace coracle::net {
namespace {

constexpr std::size_t kMegabyte = 1024 * 1024;

class EachStream : public testing::TestWithParam<Transport> {};

Task<> write_in_pieces(Stream& stream, const std::string& all) {
  std::string_view left = all;
  for (std::size_t size = 1; !left.empty(); size = size * 3 % 200'003) {
    const std::string_view piece = left.substr(0, size);
    co_await stream.write(piece);
    left.remove_prefix(piece.size());
  }
}

TEST_P(EachStream, KeepsBytesInOrderWhateverThePieces) {
  const std::string sent = pattern(4 * kMegabyte);
  std::string received;
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("write", write_in_pieces, std::ref(pair.client), std::cref(sent));
      for (std::size_t size = 1; received.size() < sent.size(); size = size * 5 % 70'001) {
        const std::string part = co_await read_once(pair.server, size);
        EXPECT_LE(part.size(), size);
        if (part.empty()) co_return;
        received += part;
      }
    });
  });
  expect_equal_bytes(received, sent);
}

TEST_P(EachStream, ReadReturnsWhatIsThere) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.client.write("hello");
    const std::string begin = co_await read_once(pair.server, 2);
    EXPECT_EQ(begin, "he");
    const std::string rest = co_await read_once(pair.server, 100);
    EXPECT_EQ(rest, "llo");
  });
}

TEST_P(EachStream, BuffersWhatArrivesWhileNobodyReads) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await pair.client.write("1");
    const std::string first = co_await read_once(pair.server);  // arms reading
    EXPECT_EQ(first, "1");
    co_await pair.client.write("23");
    co_await sleep_for(5ms);
    co_await pair.client.write("45");
    {
      const Stream gone = std::move(pair.client);
    }
    co_await sleep_for(5ms);  // all of it, and the end, are in the stream now
    const std::string second = co_await read_once(pair.server, 3);
    EXPECT_EQ(second, "234");
    const std::string rest = co_await read_to_end(pair.server);
    EXPECT_EQ(rest, "5");
  });
}

Task<> drip(Stream& stream, const std::string& text) {
  for (const char& c : text) {
    co_await stream.write(std::string_view(&c, 1));
    co_await sleep_for(100us);
  }
  co_await stream.finish();
}

TEST_P(EachStream, CancelOfReadLosesNothing) {
  const std::string sent = pattern(200);
  std::string received;
  int timeouts = 0;
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("drip", drip, std::ref(pair.client), std::cref(sent));
      for (;;) {
        const auto part = co_await within(70us, read_once(pair.server));
        if (!part) {
          ++timeouts;
        } else if (part->empty()) {
          co_return;
        } else {
          received += *part;
        }
      }
    });
  });
  expect_equal_bytes(received, sent);
  EXPECT_GT(timeouts, 10);
}

TEST_P(EachStream, CanceledWriteIsAcceptedWhole) {
  const std::string large = pattern(8 * kMegabyte);
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    const bool in_time = co_await within(10ms, pair.client.write(large));
    EXPECT_FALSE(in_time);
    EXPECT_GT(pair.client.unsent_bytes(), kMegabyte);
    bool written = co_await within(1ms, pair.client.write("the end"));
    EXPECT_FALSE(written);  // waits behind the high-water mark, and is accepted all the same
    {
      const Stream gone = std::move(pair.client);
    }
    const std::string received = co_await read_to_end(pair.server);
    expect_equal_bytes(received, large + "the end");
  });
}

Task<> write_all(Stream& stream, const std::string& text) { co_await stream.write(text); }

TEST_P(EachStream, SeveralWritersKeepTheOrderOfTheirCalls) {
  std::array<std::string, 5> texts;
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = pattern(kMegabyte + i, i + 1);
    all += texts[i];
  }
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const std::string& text : texts) {
        group.spawn("write", write_all, std::ref(pair.client), std::cref(text));
      }
      co_await sleep_for(5ms);  // the first one waits for the peer, the others for the first
      std::string received(all.size(), '\0');
      std::size_t filled = 0;
      while (filled < received.size()) {
        const std::string part = co_await read_once(pair.server, 50'000);
        if (part.empty()) break;
        received.replace(filled, part.size(), part);
        filled += part.size();
      }
      expect_equal_bytes(received, all);
    });
  });
}

Task<> expect_read(Stream& stream, const char* expected) {
  const std::string text = co_await read_once(stream);
  EXPECT_EQ(text, expected);
}

TEST_P(EachStream, MayBeMovedWhileAnOperationIsPending) {
  const std::string large = pattern(8 * kMegabyte);
  in_loop([&]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    Stream elsewhere;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("read", expect_read, std::ref(pair.server), "hello");
      group.spawn("write", write_all, std::ref(pair.server), std::cref(large));
      co_await sleep_for(5ms);
      elsewhere = std::move(pair.server);
      EXPECT_FALSE(pair.server.connected());  // NOLINT(bugprone-use-after-move): what is asked
      co_await pair.client.write("hello");
      std::string received;
      while (received.size() < large.size()) received += co_await read_once(pair.client, kMegabyte);
      expect_equal_bytes(received, large);
    });
    EXPECT_TRUE(elsewhere.connected());
  });
}

TEST_P(EachStream, APeerThatNeverReadsHoldsUpItsWriter) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    std::size_t accepted = 0;
    const std::string chunk = pattern(100'000);
    for (;;) {
      const bool written = co_await within(50ms, pair.client.write(chunk));
      if (!written) break;
      accepted += chunk.size();
      EXPECT_LE(pair.client.unsent_bytes(), StreamCore::kHighWaterBytes);
    }
    EXPECT_LT(accepted, 16 * kMegabyte);  // what two kernels' buffers hold
    EXPECT_LE(pair.client.unsent_bytes(), StreamCore::kHighWaterBytes + chunk.size());
    pair.server.reset();
  });
}

TEST_P(EachStream, APeerThatSaysNothingIsWaitedFor) {
  in_loop([]() -> Task<> {
    StreamPair pair = co_await connected_pair(GetParam());
    const auto nothing = co_await within(20ms, read_once(pair.server));
    EXPECT_FALSE(nothing);
    co_await pair.client.write("at last");
    co_await expect_read(pair.server, "at last");
  });
}

using EachStreamDeathTest = EachStream;

TEST_P(EachStreamDeathTest, DestroyedWhileAReadIsPending) {
  const auto destroy = [] {
    in_loop([]() -> Task<> {
      StreamPair pair = co_await connected_pair(GetParam());
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("reader", expect_read, std::ref(pair.server), "");
        co_await sleep_for(1ms);
        const Stream gone = std::move(pair.server);
      });
    });
  };
  EXPECT_DEATH(destroy(), "a stream is destroyed with an operation in progress");
}

TEST_P(EachStreamDeathTest, TwoReadsAtATime) {
  const auto read_twice = [] {
    in_loop([]() -> Task<> {
      StreamPair pair = co_await connected_pair(GetParam());
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("one", expect_read, std::ref(pair.server), "");
        group.spawn("two", expect_read, std::ref(pair.server), "");
        co_return;
      });
    });
  };
  EXPECT_DEATH(read_twice(), "one read at a time");
}

TEST_P(EachStreamDeathTest, ReadIntoNothing) {
  const auto read_nothing = [] {
    in_loop([]() -> Task<> {
      StreamPair pair = co_await connected_pair(GetParam());
      static_cast<void>(co_await pair.server.read({}));
    });
  };
  EXPECT_DEATH(read_nothing(), "a read needs a buffer");
}

TEST_P(EachStreamDeathTest, UseOfAStreamThatWasMovedFrom) {
  const auto use = [] {
    in_loop([]() -> Task<> {
      Stream nowhere;
      co_await nowhere.write("x");
    });
  };
  EXPECT_DEATH(use(), "this stream was moved from or reset");
}

INSTANTIATE_TEST_SUITE_P(Over, EachStream, kTransports, name_of_transport);
INSTANTIATE_TEST_SUITE_P(Over, EachStreamDeathTest, kTransports, name_of_transport);

}  // namespace
}  // namespace coracle::net
