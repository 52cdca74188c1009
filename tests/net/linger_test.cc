// What becomes of accepted bytes when their stream is destroyed or reset.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

constexpr std::size_t kEightMegabytes = 8 * 1024 * 1024;

// Runs `peer(raw_peer)` on a thread of its own, connected to a stream that `body` gets.
template <class Peer, class Body>
std::vector<std::string> against_thread(Peer peer, Body body, int receive_bytes = 0) {
  std::jthread thread;
  return in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    thread = std::jthread([&peer, receive_bytes, address = listener.local_address()] {
      const RawPeer raw(address, receive_bytes);
      peer(raw);
    });
    TcpStream stream = co_await listener.accept();
    co_await body(stream);
  });
}

TEST(Linger, EightMegabytesWrittenAndDestroyedAtOnceAllArrive) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_all = [&](const RawPeer& raw) { received = raw.receive_all(); };
  against_thread(read_all, [&](TcpStream& stream) -> Task<> {
    co_await stream.write(sent);
    const TcpStream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST(Linger, EightMegabytesThatNobodyHadReadYetAllArrive) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(50ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));  // accepted whole
    EXPECT_GT(stream.unsent_bytes(), kEightMegabytes / 4);
    const TcpStream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST(Linger, GoesOnBesideOtherConnections) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  std::string echoed;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(20ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    {
      const TcpStream destroyed = std::move(stream);
    }
    TcpPair other = co_await connected_pair();
    co_await other.client.write("still here");
    echoed = co_await read_once(other.server);
  });
  expect_equal_bytes(received, sent);
  EXPECT_EQ(echoed, "still here");
}

// How the connection of a peer that waits for 100 ms before it reads comes to its end.
struct PeerView {
  std::size_t received = 0;
  std::string error;

  void operator()(const RawPeer& raw) {
    std::this_thread::sleep_for(100ms);
    std::string before;
    try {
      received = raw.receive_all().size();
    } catch (const Error& reset) {
      error = reset.what();
    }
  }
};

TEST(Linger, EndsAtItsTimeWithAReset) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  const auto begin = std::chrono::steady_clock::now();
  const auto lines = against_thread(
      std::ref(peer),
      [&](TcpStream& stream) -> Task<> {
        static_cast<void>(co_await within(1ms, stream.write(sent)));
        stream.set_linger(20ms);
        const TcpStream destroyed = std::move(stream);
      },
      /*receive_bytes=*/4096);
  EXPECT_EQ(peer.error, "receive: Connection reset by peer");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST(Linger, OfZeroDropsWhatIsUnsent) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  against_thread(std::ref(peer), [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    stream.set_linger(0ms);
    const TcpStream destroyed = std::move(stream);
  });
  EXPECT_EQ(peer.error, "receive: Connection reset by peer");
}

TEST(Linger, OfZeroEndsInOrderWhenAllIsSent) {
  PeerView peer;
  against_thread(std::ref(peer), [&](TcpStream& stream) -> Task<> {
    co_await stream.write("all of it");
    stream.set_linger(0ms);
    const TcpStream destroyed = std::move(stream);
  });
  EXPECT_EQ(peer.error, "");
  EXPECT_EQ(peer.received, 9U);
}

TEST(Linger, ResetDropsWhatIsUnsent) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  against_thread(std::ref(peer), [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    stream.reset();
    EXPECT_FALSE(stream.connected());
    co_return;
  });
  EXPECT_EQ(peer.error, "receive: Connection reset by peer");
}

TEST(Linger, APeerThatResetsEndsIt) {
  const std::string sent = pattern(kEightMegabytes);
  const auto begin = std::chrono::steady_clock::now();
  const auto reset = [](const RawPeer& raw) {
    std::this_thread::sleep_for(20ms);
    raw.end_with_reset();
  };
  against_thread(reset, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await error_of(within(1ms, stream.write(sent))));
    const TcpStream destroyed = std::move(stream);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);  // not the five of kLinger
}

TEST(Linger, AfterFinishWaitsForTheTailToo) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(30ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const bool finished = co_await within(1ms, stream.finish());
    EXPECT_FALSE(finished);
    const TcpStream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

// A close with unread bytes in the kernel would be a reset, and drop what is still to be sent.
TEST(Linger, AllArrivesAlsoWhenThePeerSentWhatNobodyReads) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(50'000));
    std::this_thread::sleep_for(20ms);
    received = raw.receive_all();
  };
  against_thread(talk_and_read, [&](TcpStream& stream) -> Task<> {
    const std::string part = co_await read_once(stream, 10);
    EXPECT_EQ(part.size(), 10U);
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const TcpStream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST(Linger, AShortAnswerArrivesAlsoWhenThePeerSentWhatNobodyReads) {
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(50'000));
    std::this_thread::sleep_for(20ms);
    received = raw.receive(300'000);
  };
  const std::string answer = pattern(300'000);
  against_thread(
      talk_and_read,
      [&](TcpStream& stream) -> Task<> {
        co_await sleep_for(5ms);
        static_cast<void>(co_await within(5ms, stream.write(answer)));
        const TcpStream destroyed = std::move(stream);
      },
      /*receive_bytes=*/4096);
  expect_equal_bytes(received, answer);
}

// A peer that goes on sending, and reads only once it is done with that.
TEST(Linger, TakesWhatThePeerSendsMeanwhile) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(kEightMegabytes, 2));
    received = raw.receive_all();
  };
  const auto begin = std::chrono::steady_clock::now();
  against_thread(talk_and_read, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const TcpStream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s) << "not by the linger time alone";
}

TEST(Linger, TheLoopSaysWhatItWaitsFor) {
  const std::string sent = pattern(kEightMegabytes);
  const auto read_late = [](const RawPeer& raw) {
    std::this_thread::sleep_for(1200ms);
    raw.receive_all();
  };
  const auto lines = against_thread(read_late, [&](TcpStream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const TcpStream destroyed = std::move(stream);
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("loop_waits_at_its_end for=\"1 closing connections"), std::string::npos)
      << lines[0];
}

}  // namespace
}  // namespace coracle::net
