// What becomes of accepted bytes when their stream is destroyed or reset.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace coracle::net {
namespace {

constexpr std::size_t kEightMegabytes = 8 * 1024 * 1024;

class Linger : public testing::TestWithParam<Transport> {};

// Runs `peer(raw_peer)` on a thread of its own, connected to a stream that `body` gets.
template <class Peer, class Body>
std::vector<std::string> against_thread(Peer peer, Body body, int receive_bytes = 0) {
  std::jthread thread;
  return in_loop([&]() -> Task<> {
    Listener listener = listen_over(Linger::GetParam());
    thread = std::jthread([&peer, receive_bytes, name = listener.name()] {
      const auto address = Address::parse(name);
      const RawPeer raw = address ? RawPeer(*address, receive_bytes) : RawPeer(name);
      peer(raw);
    });
    Stream stream = co_await listener.accept();
    co_await body(stream);
  });
}

TEST_P(Linger, EightMegabytesWrittenAndDestroyedAtOnceAllArrive) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_all = [&](const RawPeer& raw) { received = raw.receive_all(); };
  against_thread(read_all, [&](Stream& stream) -> Task<> {
    co_await stream.write(sent);
    const Stream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST_P(Linger, EightMegabytesThatNobodyHadReadYetAllArrive) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(50ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));  // accepted whole
    EXPECT_GT(stream.unsent_bytes(), kEightMegabytes / 4);
    const Stream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST_P(Linger, GoesOnBesideOtherConnections) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  std::string echoed;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(20ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    {
      const Stream destroyed = std::move(stream);
    }
    StreamPair other = co_await connected_pair(GetParam());
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
      received = raw.receive_all(&before).size();
    } catch (const Error& reset) {
      error = reset.what();
      received = before.size();
    }
  }

  // It did not get all, and over TCP it saw why. (A Unix socket that left nothing unread just
  // ends.)
  void expect_cut_off() const {
    const bool is_told = Linger::GetParam() == Transport::tcp;
    EXPECT_EQ(error, is_told ? "receive: Connection reset by peer" : "");
    EXPECT_LT(received, kEightMegabytes);
  }
};

TEST_P(Linger, EndsAtItsTimeWithAReset) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  const auto begin = std::chrono::steady_clock::now();
  const auto lines = against_thread(
      std::ref(peer),
      [&](Stream& stream) -> Task<> {
        static_cast<void>(co_await within(1ms, stream.write(sent)));
        stream.set_linger(20ms);
        const Stream destroyed = std::move(stream);
      },
      /*receive_bytes=*/4096);
  peer.expect_cut_off();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST_P(Linger, OfZeroDropsWhatIsUnsent) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  against_thread(std::ref(peer), [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    stream.set_linger(0ms);
    const Stream destroyed = std::move(stream);
  });
  peer.expect_cut_off();
}

TEST_P(Linger, OfZeroEndsInOrderWhenAllIsSent) {
  PeerView peer;
  against_thread(std::ref(peer), [&](Stream& stream) -> Task<> {
    co_await stream.write("all of it");
    stream.set_linger(0ms);
    const Stream destroyed = std::move(stream);
  });
  EXPECT_EQ(peer.error, "");
  EXPECT_EQ(peer.received, 9U);
}

TEST_P(Linger, ResetDropsWhatIsUnsent) {
  const std::string sent = pattern(kEightMegabytes);
  PeerView peer;
  against_thread(std::ref(peer), [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    stream.reset();
    EXPECT_FALSE(stream.connected());
    co_return;
  });
  peer.expect_cut_off();
}

TEST_P(Linger, APeerThatResetsEndsIt) {
  const std::string sent = pattern(kEightMegabytes);
  const auto begin = std::chrono::steady_clock::now();
  const auto reset = [](const RawPeer& raw) {
    std::this_thread::sleep_for(20ms);
    raw.end_with_reset();
  };
  against_thread(reset, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await error_of(within(1ms, stream.write(sent))));
    const Stream destroyed = std::move(stream);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);  // not the five of kLinger
}

TEST_P(Linger, AfterFinishWaitsForTheTailToo) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto read_late = [&](const RawPeer& raw) {
    std::this_thread::sleep_for(30ms);
    received = raw.receive_all();
  };
  against_thread(read_late, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const bool finished = co_await within(1ms, stream.finish());
    EXPECT_FALSE(finished);
    const Stream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

// A close with unread bytes in the kernel would be a reset, and drop what is still to be sent.
TEST_P(Linger, AllArrivesAlsoWhenThePeerSentWhatNobodyReads) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(50'000));
    std::this_thread::sleep_for(20ms);
    received = raw.receive_all();
  };
  against_thread(talk_and_read, [&](Stream& stream) -> Task<> {
    const std::string part = co_await read_once(stream, 10);
    EXPECT_EQ(part.size(), 10U);
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const Stream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
}

TEST_P(Linger, AShortAnswerArrivesAlsoWhenThePeerSentWhatNobodyReads) {
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(50'000));
    std::this_thread::sleep_for(20ms);
    received = raw.receive(300'000);
  };
  const std::string answer = pattern(300'000);
  against_thread(
      talk_and_read,
      [&](Stream& stream) -> Task<> {
        co_await sleep_for(5ms);
        static_cast<void>(co_await within(5ms, stream.write(answer)));
        const Stream destroyed = std::move(stream);
      },
      /*receive_bytes=*/4096);
  expect_equal_bytes(received, answer);
}

// A peer that goes on sending, and reads only once it is done with that.
TEST_P(Linger, TakesWhatThePeerSendsMeanwhile) {
  const std::string sent = pattern(kEightMegabytes);
  std::string received;
  const auto talk_and_read = [&](const RawPeer& raw) {
    raw.send(pattern(kEightMegabytes, 2));
    received = raw.receive_all();
  };
  const auto begin = std::chrono::steady_clock::now();
  against_thread(talk_and_read, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const Stream destroyed = std::move(stream);
  });
  expect_equal_bytes(received, sent);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s) << "not by the linger time alone";
}

TEST_P(Linger, TheLoopSaysWhatItWaitsFor) {
  const std::string sent = pattern(kEightMegabytes);
  const auto read_late = [](const RawPeer& raw) {
    std::this_thread::sleep_for(1200ms);
    raw.receive_all();
  };
  const auto lines = against_thread(read_late, [&](Stream& stream) -> Task<> {
    static_cast<void>(co_await within(1ms, stream.write(sent)));
    const Stream destroyed = std::move(stream);
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("loop_waits_at_its_end for=\"1 closing connections"), std::string::npos)
      << lines[0];
}

INSTANTIATE_TEST_SUITE_P(Over, Linger, kTransports, name_of_transport);

}  // namespace
}  // namespace coracle::net
