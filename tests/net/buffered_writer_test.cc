// Few large writes out of many small ones.
#include "net/buffered_writer.h"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

TEST(BufferedWriter, SendsNothingBeforeItIsFlushed) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client);
    co_await writer.write("one ");
    co_await writer.write("two");
    EXPECT_EQ(writer.unflushed_bytes(), 7U);
    auto text = co_await within(10ms, read_once(pair.server));
    EXPECT_FALSE(text);
    co_await writer.flush();
    EXPECT_EQ(writer.unflushed_bytes(), 0U);
    text = co_await within(1s, read_once(pair.server));
    EXPECT_EQ(text.value_or("nothing"), "one two") << "one write, one read";
    co_await writer.flush();  // nothing to do
  });
}

TEST(BufferedWriter, SendsByItselfAtItsLimit) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client, 8);
    co_await writer.write("1234");
    EXPECT_EQ(writer.unflushed_bytes(), 4U);
    co_await writer.write("5678");
    EXPECT_EQ(writer.unflushed_bytes(), 0U);
    std::string text = co_await read_once(pair.server);
    EXPECT_EQ(text, "12345678");
    co_await writer.write("a long text goes straight through");
    EXPECT_EQ(writer.unflushed_bytes(), 0U);
    text = co_await read_once(pair.server);
    EXPECT_EQ(text, "a long text goes straight through");
  });
}

Task<> write_lines(BufferedWriter& writer, int count, std::string line) {
  for (int i = 0; i < count; ++i) co_await writer.write(line);
  co_await writer.flush();
}

TEST(BufferedWriter, KeepsTheWritesOfSeveralFibersWhole) {
  constexpr int kLines = 10'000;
  int letters[2] = {0, 0};
  in_loop([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client, 1000);
    std::string received;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", write_lines, std::ref(writer), kLines, std::string(60, 'a') + "\n");
      group.spawn("b", write_lines, std::ref(writer), kLines, std::string(60, 'b') + "\n");
      while (received.size() < 2 * kLines * 61) received += co_await read_once(pair.server, 65536);
    });
    for (std::size_t at = 0; at < received.size(); at += 61) {
      const char letter = received[at];
      if (received.substr(at, 61) != std::string(60, letter) + "\n") {
        ADD_FAILURE() << "mixed at " << at;
        co_return;
      }
      ++letters[letter == 'a' ? 0 : 1];
    }
  });
  EXPECT_EQ(letters[0], kLines);
  EXPECT_EQ(letters[1], kLines);
}

TEST(BufferedWriter, ACanceledFlushIsAcceptedWhole) {
  const std::string large = pattern(8'000'000);
  in_loop([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client, 10'000'000);
    co_await writer.write(large);
    bool done = co_await within(5ms, writer.flush());
    EXPECT_FALSE(done);
    co_await writer.write("tail");
    done = co_await within(5ms, writer.flush());
    EXPECT_FALSE(done);
    {
      const TcpStream gone = std::move(pair.client);
    }
    const std::string received = co_await read_to_end(pair.server);
    expect_equal_bytes(received, large + "tail");
  });
}

TEST(BufferedWriter, APeerThatNeverReadsHoldsUpItsWriter) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client);
    std::size_t accepted = 0;
    for (const std::string line(1000, 'x'); accepted < 100'000'000; accepted += line.size()) {
      const bool written = co_await within(50ms, writer.write(line));
      if (!written) break;
    }
    EXPECT_LT(accepted, 16'000'000U);
    pair.server.reset();
  });
}

TEST(BufferedWriter, FlushThrowsOnceTheConnectionIsBroken) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedWriter writer(pair.client);
    pair.server.reset();
    co_await sleep_for(5ms);
    co_await writer.write("into the void");
    const std::string error = co_await error_of(writer.flush());
    EXPECT_EQ(error.find("write " + pair.client.peer_name() + ": "), 0U) << error;
  });
}

}  // namespace
}  // namespace coracle::net
