// Messages of many fibers in few writes; none of them is lost, torn or kept without end.
#include "net/message_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Task<> write(MessageWriter& writer, std::string message) {
  co_await writer.write(bytes_of(message));
}

Task<> write_for_ever(MessageWriter& writer, std::string message, std::size_t& written) {
  for (;;) {
    co_await writer.write(bytes_of(message));
    written += message.size();
  }
}

TEST(MessageWriter, SendsWhatIsWrittenAtOneMomentAtOnce) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    MessageWriter writer(pair.client);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const char* message : {"one ", "two ", "three"}) {
        group.spawn("write", write, std::ref(writer), std::string(message));
      }
      co_return;
    });
    std::string text = co_await read_once(pair.server);
    EXPECT_EQ(text, "one two three") << "one write, one read";
    co_await writer.write(bytes_of("four"));
    text = co_await read_once(pair.server);
    EXPECT_EQ(text, "four") << "nobody else comes";
  });
}

// What others have left to it is sent all the same.
TEST(MessageWriter, SendsForOthersAlsoWhenItIsCanceled) {
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    MessageWriter writer(pair.client);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("first", write, std::ref(writer), "one ");
      group.spawn("second", write, std::ref(writer), "two");
      group.cancel();
      co_return;
    });
    std::string text;
    while (text.size() < 7) text += co_await read_once(pair.server);
    EXPECT_EQ(text, "one two");
  });
}

// Of a peer that does not read: those who write wait, one after the other.
TEST(MessageWriter, KeepsLittleForAPeerThatDoesNotRead) {
  constexpr std::size_t kBytes = 1000;
  constexpr std::size_t kFibers = 10;
  in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    std::size_t written = 0;
    {
      MessageWriter writer(pair.client);
      co_await task_group([&](TaskGroup& group) -> Task<> {
        for (std::size_t i = 0; i < kFibers; ++i) {
          group.spawn("write", write_for_ever, std::ref(writer), std::string(kBytes, 'x'),
                      std::ref(written));
        }
        for (std::size_t before = 1; before != written;) {  // until nobody gets on any more
          before = written;
          co_await sleep_for(100ms);
        }
        group.cancel();
      });
    }
    const std::size_t most =
        StreamCore::kHighWaterBytes + BufferedWriter::kLimit + kFibers * kBytes;
    EXPECT_LE(pair.client.unsent_bytes(), most);
    {
      const TcpStream gone = std::move(pair.client);
    }
    const std::string received = co_await read_to_end(pair.server);
    EXPECT_GE(received.size(), written);
    EXPECT_EQ(received.size() % kBytes, 0U) << "all are whole";
  });
}

}  // namespace
}  // namespace coracle::net
