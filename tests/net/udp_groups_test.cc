// What one system call sends as a group (UDP_SEGMENT) arrives as it was written: every datagram
// with its own length, in order, at the right socket.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "net/udp.h"
#include "runtime/random.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// Sizes on both sides of each bound: none, one, what fits every packet and what does not, and long
// rows of one size.
std::size_t draw_size(std::size_t last) {
  static constexpr std::array<std::size_t, 8> kSizes{0, 1, 2, 64, 1231, 1232, 1233, 9000};
  if (random().chance(0.8)) return last;
  return kSizes[random().below(kSizes.size())];
}

std::string draw_text(std::size_t size) {
  std::string text(size, '\0');
  for (char& character : text) character = static_cast<char>(random().below(256));
  return text;
}

Task<Texts> receive_all(UdpSocket& socket, std::size_t count) {
  Texts texts;
  DatagramBatch batch(32, 10'000);
  while (texts.size() < count) {
    co_await with_timeout(10s, socket.receive_batch(batch));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto bytes = batch.bytes(i);
      texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  co_return texts;
}

// Two receivers, and a sender that is connected to the first of them, or to none.
Task<> send_many(std::string_view host, bool connected) {
  const Address any = Address::from(host);
  std::array<UdpSocket, 2> receivers{UdpSocket::bind(any), UdpSocket::bind(any)};
  const std::array<Address, 2> places{receivers[0].local_address(), receivers[1].local_address()};
  UdpSocket sender = connected ? UdpSocket::connect(places[0]) : UdpSocket::bind(any);
  std::size_t size = 64;
  for (int round = 0; round < 30; ++round) {
    std::array<Texts, 2> sent;
    DatagramBatch batch(100, 10'000);
    std::size_t to = 0;
    // Nobody receives meanwhile, and the kernel of the receiver holds some 200 KB.
    for (std::size_t bytes = 0; batch.size() < batch.capacity(); bytes += size) {
      size = draw_size(size);
      if (bytes + size > 50'000) break;
      if (!connected && random().chance(0.05)) to = 1 - to;
      sent[to].push_back(draw_text(size));
      batch.add(sent[to].back(), places[to]);
    }
    const std::size_t count = co_await sender.send_batch(batch);
    EXPECT_EQ(count, batch.size());
    for (std::size_t i = 0; i < 2; ++i) {
      const Texts received = co_await receive_all(receivers[i], sent[i].size());
      EXPECT_TRUE(received == sent[i]) << "round " << round << ", receiver " << i;
    }
  }
}

TEST(UdpGroups, KeepWhatWasWrittenFromABoundSocket) {
  in_loop([] { return send_many("127.0.0.1:0", false); });
}

TEST(UdpGroups, KeepWhatWasWrittenFromAConnectedSocket) {
  in_loop([] { return send_many("127.0.0.1:0", true); });
}

TEST(UdpGroups, KeepWhatWasWrittenOverIpv6) {
  in_loop([] { return send_many("[::1]:0", false); });
}

}  // namespace
}  // namespace coracle::net
