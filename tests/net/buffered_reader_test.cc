// Messages out of a byte stream, in whichever pieces it arrives.
#include "net/buffered_reader.h"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

// Sends `text` in pieces of `size` bytes, each by itself, then the end.
Task<> send_in_pieces(TcpStream& stream, std::string_view text, std::size_t size) {
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, size);
    co_await stream.write(piece);
    text.remove_prefix(piece.size());
    co_await yield();
    if (size < 4) co_await sleep_for(20us);  // so that the reader sees the pieces
  }
  co_await stream.finish();
}

// Runs `read(reader)` on what is sent in pieces of each of several sizes.
template <class Read>
void in_pieces(std::string_view text, std::size_t limit, Read read) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, text.size() + 1}) {
    SCOPED_TRACE("pieces of " + std::to_string(size));
    in_loop([&]() -> Task<> {
      TcpPair pair = co_await connected_pair();
      BufferedReader reader(pair.server, limit);
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("send", send_in_pieces, std::ref(pair.client), text, size);
        co_await read(reader);
      });
    });
  }
}

Task<std::string> line_of(BufferedReader& reader) {
  const auto line = co_await reader.read_line();
  co_return line ? std::string(*line) : "nothing";
}

Task<std::string> bytes_from(BufferedReader& reader, std::size_t count) {
  std::string text(count, '\0');
  const bool whole = co_await reader.read_exactly(bytes_of(text));
  co_return whole ? text : "nothing";
}

TEST(BufferedReader, ReadsLines) {
  in_pieces("one\ntwo\r\n\n\r\nlast\n", 64, [](BufferedReader& reader) -> Task<> {
    for (const char* expected : {"one", "two", "", "", "last", "nothing", "nothing"}) {
      const std::string line = co_await line_of(reader);
      EXPECT_EQ(line, expected);
    }
  });
}

TEST(BufferedReader, FindsADelimiterThatIsSplit) {
  in_pieces("a--b---c--", 64, [](BufferedReader& reader) -> Task<> {
    for (const char* expected : {"a", "b", "-c"}) {
      const auto part = co_await reader.read_until("--");
      EXPECT_EQ(part.value_or("nothing"), expected);
    }
    const auto part = co_await reader.read_until("--");
    EXPECT_FALSE(part);
  });
}

TEST(BufferedReader, ReadsExactlyAndMixesWithLines) {
  in_pieces("5\nhello6\nworld!", 64, [](BufferedReader& reader) -> Task<> {
    std::string length = co_await line_of(reader);
    EXPECT_EQ(length, "5");
    std::string body = co_await bytes_from(reader, 5);
    EXPECT_EQ(body, "hello");
    length = co_await line_of(reader);
    EXPECT_EQ(length, "6");
    body = co_await bytes_from(reader, 6);
    EXPECT_EQ(body, "world!");
    body = co_await bytes_from(reader, 1);
    EXPECT_EQ(body, "nothing");
  });
}

TEST(BufferedReader, ReadsMoreThanItsLimitExactly) {
  const std::string sent = "head\n" + pattern(1'000'000);
  in_loop([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedReader reader(pair.server, 16);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("send", send_in_pieces, std::ref(pair.client), std::string_view(sent), 100'000);
      const std::string head = co_await line_of(reader);
      EXPECT_EQ(head, "head");
      const std::string body = co_await bytes_from(reader, 1'000'000);
      expect_equal_bytes(body, std::string_view(sent).substr(5));
    });
  });
}

TEST(BufferedReader, AnEndInsideAMessageIsAnErrorAndKeepsTheBytes) {
  in_pieces("whole\nhalf", 64, [](BufferedReader& reader) -> Task<> {
    const std::string line = co_await line_of(reader);
    EXPECT_EQ(line, "whole");
    for (int i = 0; i < 2; ++i) {
      const std::string error = co_await error_of(line_of(reader));
      EXPECT_NE(error.find(": The stream ended in the middle of a message"), error.npos) << error;
    }
    std::string error = co_await error_of(bytes_from(reader, 5));
    EXPECT_NE(error.find(": The stream ended in the middle of a message"), error.npos) << error;
    const std::string rest = co_await bytes_from(reader, 4);
    EXPECT_EQ(rest, "half");
    const std::string end = co_await line_of(reader);
    EXPECT_EQ(end, "nothing");
  });
}

TEST(BufferedReader, ALineBeyondTheLimitIsAnErrorAndKeepsTheBytes) {
  in_pieces("12345678\n123456789\n", 9, [](BufferedReader& reader) -> Task<> {
    const std::string line = co_await line_of(reader);
    EXPECT_EQ(line, "12345678");
    const std::string error = co_await error_of(line_of(reader));
    EXPECT_NE(error.find(": The message is longer than the reader's limit"), error.npos) << error;
    const std::string rest = co_await bytes_from(reader, 10);
    EXPECT_EQ(rest, "123456789\n");
  });
}

TEST(BufferedReader, TheLimitBoundsWhatItHolds) {
  const std::string endless = pattern(1'000'000);
  in_loop([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedReader reader(pair.server);
    static_cast<void>(co_await within(1ms, pair.client.write(endless)));
    const std::string_view delimiter = "a delimiter that does not occur";
    std::string code;
    try {
      static_cast<void>(co_await reader.read_until(delimiter));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), FramingError::too_long);
    }
    EXPECT_EQ(reader.buffered().size(), BufferedReader::kLimit);
    pair.client.reset();
  });
}

TEST(BufferedReader, ReadSomeGivesWhatIsBufferedFirst) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedReader reader(pair.server);
    co_await pair.client.write("line\nmore");
    const std::string line = co_await line_of(reader);
    EXPECT_EQ(line, "line");
    EXPECT_EQ(reader.buffered().size(), 4U);
    std::string some(3, '\0');
    std::size_t bytes = co_await reader.read_some(bytes_of(some));
    EXPECT_EQ(some.substr(0, bytes), "mor");
    bytes = co_await reader.read_some(bytes_of(some));
    EXPECT_EQ(some.substr(0, bytes), "e");
    co_await pair.client.write("!");
    bytes = co_await reader.read_some(bytes_of(some));
    EXPECT_EQ(some.substr(0, bytes), "!");
    {
      const TcpStream gone = std::move(pair.client);
    }
    bytes = co_await reader.read_some(bytes_of(some));
    EXPECT_EQ(bytes, 0U);
  });
}

// Canceled again and again, whichever read it is in: nothing is lost.
TEST(BufferedReader, CancelLosesNothing) {
  std::string sent;
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    expected.push_back("line" + std::to_string(i));
    expected.push_back("body" + std::to_string(i % 10));
    sent += expected[expected.size() - 2] + "\r\n" + expected.back();
  }
  std::vector<std::string> received;
  int canceled = 0;
  in_loop([&]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    BufferedReader reader(pair.server, 32);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("send", send_in_pieces, std::ref(pair.client), std::string_view(sent), 1);
      while (received.size() < expected.size()) {
        const bool body = received.size() % 2 == 1;
        auto text = body ? within(50us, bytes_from(reader, 5)) : within(50us, line_of(reader));
        auto result = co_await std::move(text);
        result ? received.push_back(*result) : static_cast<void>(++canceled);
      }
    });
  });
  EXPECT_EQ(received, expected);
  EXPECT_GT(canceled, 10);
}

}  // namespace
}  // namespace coracle::net
