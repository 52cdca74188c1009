// What sockets for datagrams give to sendmmsg, and what becomes of what it says. A program of its
// own, because it takes sendmmsg's place.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "net/rpc.h"
#include "net/udp.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace {

int messages_sent = 0;
int group_error = 0;  // what groups are refused with, unless 0
int error = 0;        // what everything is refused with, unless 0

}  // namespace

extern "C" int sendmmsg(int descriptor, mmsghdr* messages, unsigned int count, int flags) {
  if (error != 0) {
    errno = error;
    return -1;
  }
  if (group_error != 0) {
    unsigned int single = 0;
    while (single < count && messages[single].msg_hdr.msg_controllen == 0) ++single;
    if (single == 0) {
      errno = group_error;
      return -1;
    }
    count = single;  // as the kernel does: those before it are sent
  }
  const long sent = syscall(SYS_sendmmsg, descriptor, messages, count, flags);
  if (sent > 0) messages_sent += static_cast<int>(sent);
  return static_cast<int>(sent);
}

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

// What one system call sends as a group (UDP_SEGMENT) arrives as it was written: every datagram
// with its own length, in order, at the right socket.
TEST(UdpGroups, KeepWhatWasWrittenFromABoundSocket) {
  in_loop([] { return send_many("127.0.0.1:0", false); });
}

TEST(UdpGroups, KeepWhatWasWrittenFromAConnectedSocket) {
  in_loop([] { return send_many("127.0.0.1:0", true); });
}

TEST(UdpGroups, KeepWhatWasWrittenOverIpv6) {
  in_loop([] { return send_many("[::1]:0", false); });
}

// For the first one too narrow a way, for the others no checksums, or no such thing.
TEST(UdpGroups, AreNoneWhereTheKernelRefusesThem) {
  for (const int refusal : {EMSGSIZE, EIO, EINVAL, EOPNOTSUPP}) {
    group_error = refusal;
    in_loop([] { return send_many("127.0.0.1:0", false); });
    in_loop([] { return send_many("127.0.0.1:0", true); });
  }
  group_error = 0;
}

// What `count` datagrams of 64 bytes to `to` cost.
Task<int> messages_for(UdpSocket& sender, std::size_t count, Address to) {
  DatagramBatch batch(count);
  while (batch.add(std::string(64, 'x'), to)) {
  }
  const int before = messages_sent;
  co_await sender.send_batch(batch);
  co_return messages_sent - before;
}

TEST(UdpGroups, SixtyFourDatagramsAreOneMessage) {
  in_loop([]() -> Task<> {
    UdpSocket receiver = UdpSocket::bind(Address::loopback(0));
    UdpSocket sender = UdpSocket::bind(Address::loopback(0));
    const Address to = receiver.local_address();
    int messages = co_await messages_for(sender, 64, to);
    EXPECT_EQ(messages, 1);
    // A datagram that nothing can send is not the fault of groups.
    static_cast<void>(co_await messages_for(sender, 2, Address::loopback(0)));
    messages = co_await messages_for(sender, 64, to);
    EXPECT_EQ(messages, 1);
  });
}

// --- calls that cannot be sent -------------------------------------------------------------------

// There may be a way later.
TEST(RpcOverUdp, AnIdempotentCallWaitsForAWay) {
  in_loop([]() -> Task<> {
    RpcServer server;
    server.handle("add", [](int a, int b) { return a + b; });
    UdpSocket socket = UdpSocket::bind(Address::loopback(0));
    const Address address = socket.local_address();
    const auto serve = [&]() { return server.serve_datagrams(std::move(socket)); };
    const auto mend = []() -> Task<> {
      co_await sleep_for(5ms);
      error = 0;
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("server", serve);
      RpcClient client(UdpSocket::connect(address), {.repeat_after = 1ms});
      error = ENETUNREACH;
      const std::string said = co_await error_of(client.call("add", 1, 2));
      EXPECT_EQ(said, "call `add` of " + address.to_string() + ": Network is unreachable");
      group.spawn("mend", mend);
      const int sum = co_await client.call_idempotent<int>("add", 1, 2);
      EXPECT_EQ(sum, 3);
      EXPECT_EQ(error, 0);
      group.cancel();
    });
  });
}

}  // namespace
}  // namespace coracle::net
