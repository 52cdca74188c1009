// UDP sockets: what their core does with a kernel that is full, and what their users do wrong. What
// sockets do on both back ends is in conformance/datagrams.cc.
#include "net/udp.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A kernel that does as it is told.
class ScriptedUdp final : public UdpCore {
 public:
  using UdpCore::readable;
  using UdpCore::watch_ended;
  using UdpCore::writable;

  [[nodiscard]] Address local_address() const override { return Address::loopback(1); }
  [[nodiscard]] std::optional<Address> peer_address() const override { return peer; }
  [[nodiscard]] int set(UdpSetting, int) override { return 0; }
  [[nodiscard]] int set_multicast_interface(const Address&) override { return 0; }
  [[nodiscard]] int set_member(const Address&, const Address&, bool) override { return 0; }
  [[nodiscard]] std::size_t receive_buffer_bytes() const override { return 0; }
  [[nodiscard]] std::size_t send_buffer_bytes() const override { return 0; }

  std::optional<Address> peer;
  int room = 0;            // how many datagrams it takes
  std::deque<int> errors;  // what its next calls fail with
  std::deque<std::string> to_receive;
  std::vector<std::string> sent;
  bool watches_readable = false;
  bool watches_writable = false;
  int calls = 0;

 private:
  int try_receive(std::span<DatagramSlot> places) override {
    ++calls;
    if (!errors.empty()) return -take_error();
    int received = 0;
    for (DatagramSlot& place : places) {
      if (to_receive.empty()) break;
      std::ranges::copy(std::as_bytes(std::span(to_receive.front())), place.space.begin());
      place.bytes = place.datagram_bytes = to_receive.front().size();
      to_receive.pop_front();
      ++received;
    }
    return received > 0 ? received : -EAGAIN;
  }
  int try_send(std::span<const DatagramSlot> datagrams) override {
    ++calls;
    if (!errors.empty()) return -take_error();
    int taken = 0;
    for (const DatagramSlot& datagram : datagrams) {
      if (room == 0) break;
      --room;
      ++taken;
      sent.push_back(text_of(datagram.space.first(datagram.bytes)));
    }
    return taken > 0 ? taken : -EAGAIN;
  }
  void watch(bool readable, bool writable) override {
    watches_readable = readable;
    watches_writable = writable;
  }
  int take_error() {
    const int error = errors.front();
    errors.pop_front();
    return error;
  }
};

Task<> send(UdpCore& core, std::string text) {
  const Address to = Address::loopback(9);
  co_await SendOperation(core, std::as_bytes(std::span(text)), core.peer_address() ? nullptr : &to);
}

Task<> send_batch(UdpCore& core, std::vector<std::string> texts, std::size_t& count) {
  DatagramBatch batch(texts.size());
  for (const std::string& text : texts) batch.add(text, Address::loopback(9));
  count = co_await SendBatchOperation(core, batch);
}

Task<std::string> receive(UdpCore& core) {
  std::string text(100, '\0');
  const ReceivedDatagram received = co_await ReceiveOperation(core, bytes_of(text));
  text.resize(received.bytes);
  co_return text;
}

using Texts = std::vector<std::string>;

TEST(UdpCore, SendsInOrderWhenTheKernelIsFull) {
  ScriptedUdp udp;
  std::size_t count = 0;
  in_loop([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      udp.room = 1;
      group.spawn("batch", send_batch, std::ref(udp), Texts{"a", "b", "c"}, std::ref(count));
      group.spawn("one", send, std::ref(udp), std::string("d"));
      co_await yield();
      EXPECT_EQ(udp.sent, (Texts{"a"}));
      EXPECT_TRUE(udp.watches_writable);
      udp.room = 1;
      udp.writable();
      EXPECT_EQ(udp.sent, (Texts{"a", "b"}));
      EXPECT_TRUE(udp.watches_writable);
      udp.watch_ended();
      udp.watches_writable = false;
      udp.writable();
      EXPECT_TRUE(udp.watches_writable) << "they still wait";
      udp.room = 10;
      udp.writable();
      EXPECT_FALSE(udp.watches_writable);
    });
  });
  EXPECT_EQ(udp.sent, (Texts{"a", "b", "c", "d"}));
  EXPECT_EQ(count, 3U);
}

TEST(UdpCore, ACanceledSendIsNotSentAndHoldsUpNobody) {
  ScriptedUdp udp;
  in_loop([&]() -> Task<> {
    const bool first = co_await within(1ms, send(udp, "canceled"));
    EXPECT_FALSE(first);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("first", send, std::ref(udp), std::string("first"));
      group.spawn(
          "canceled",
          [](UdpCore& core) -> Task<> {
            const bool sent = co_await within(1ms, send(core, "canceled"));
            EXPECT_FALSE(sent);
          },
          std::ref(udp));
      group.spawn("last", send, std::ref(udp), std::string("last"));
      co_await sleep_for(3ms);
      udp.room = 10;
      udp.writable();
    });
  });
  EXPECT_EQ(udp.sent, (Texts{"first", "last"}));
}

TEST(UdpCore, TellsOfAnEarlierDatagramToTheReceiverOnly) {
  ScriptedUdp udp;
  udp.peer = Address::loopback(9);
  udp.room = 10;
  in_loop([&]() -> Task<> {
    udp.errors = {ECONNREFUSED};
    co_await send(udp, "a");
    const std::string kept = co_await error_of(receive(udp));
    EXPECT_EQ(kept, "receive 127.0.0.1:9: Connection refused");
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "receive",
          [](UdpCore& core) -> Task<> {
            const std::string told = co_await error_of(receive(core));
            EXPECT_EQ(told, "receive 127.0.0.1:9: Connection refused");
          },
          std::ref(udp));
      co_await yield();
      udp.errors = {ECONNREFUSED};
      co_await send(udp, "b");
    });
    udp.errors = {EPERM, EPERM};
    const std::string own = co_await error_of(send(udp, "c"));
    EXPECT_EQ(own, "send 127.0.0.1:9: Operation not permitted");
  });
  EXPECT_EQ(udp.sent, (Texts{"a", "b"}));
}

// A batch that was not filled has emptied the socket: the next one waits without a look.
TEST(UdpCore, AsksTheKernelOnlyWhenItMayHaveSomething) {
  ScriptedUdp udp;
  in_loop([&]() -> Task<> {
    udp.to_receive = {"a", "b"};
    DatagramBatch batch(3);
    const std::size_t received = co_await ReceiveBatchOperation(udp, batch);
    EXPECT_EQ(received, 2U);
    EXPECT_EQ(udp.calls, 1);
    const auto nothing = co_await within(1ms, receive(udp));
    EXPECT_FALSE(nothing);
    EXPECT_EQ(udp.calls, 1);
    EXPECT_TRUE(udp.watches_readable) << "watching goes on between two receives";
    udp.to_receive = {"c"};
    udp.readable();
    EXPECT_FALSE(udp.watches_readable) << "nobody waits";
    const std::string late = co_await receive(udp);
    EXPECT_EQ(late, "c");
    udp.readable();
    const auto none = co_await within(1ms, receive(udp));
    EXPECT_FALSE(none);
    EXPECT_EQ(udp.calls, 3);
  });
}

// --- what users do wrong -----------------------------------------------------------------------

TEST(DatagramBatch, HoldsWhatItIsGiven) {
  DatagramBatch batch(2, 4);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.capacity(), 2U);
  EXPECT_TRUE(batch.add("abcd", Address::loopback(1)));
  EXPECT_TRUE(batch.add("", Address::loopback(2)));
  EXPECT_FALSE(batch.add("c", Address::loopback(3)));
  EXPECT_EQ(text_of(batch.bytes(0)), "abcd");
  EXPECT_EQ(batch.address(1), Address::loopback(2));
  batch.resize(0, 2);
  EXPECT_EQ(text_of(batch.bytes(0)), "ab");
  EXPECT_FALSE(batch.truncated(0));
  batch.set_address(0, Address::loopback(4));
  EXPECT_EQ(batch.address(0), Address::loopback(4));
  batch.clear();
  EXPECT_TRUE(batch.empty());
}

TEST(DatagramBatchDeathTest, ChecksItsBounds) {
  DatagramBatch batch(1, 4);
  EXPECT_DEATH(static_cast<void>(batch.address(0)), "the batch has this datagram");
  EXPECT_DEATH(batch.add("abcde", Address::loopback(1)), "a datagram fits into its place");
  EXPECT_DEATH(DatagramBatch(0), "a batch has room for a datagram");
}

TEST(UdpSocketDeathTest, ChecksWhatIsRequired) {
  EXPECT_DEATH(static_cast<void>(UdpSocket().local_address()), "there is no socket");
  EXPECT_DEATH(in_loop([]() -> Task<> {
                 UdpSocket socket = UdpSocket::bind(Address::loopback(0));
                 co_await socket.send("to nobody");
               }),
               "a connected socket sends to its peer, any other to an address");
  EXPECT_DEATH(in_loop([]() -> Task<> {
                 UdpSocket socket = UdpSocket::bind(Address::loopback(0));
                 co_await task_group([&](TaskGroup& group) -> Task<> {
                   const auto listen = [](UdpSocket& shared) -> Task<> {
                     std::array<std::byte, 8> buffer;
                     static_cast<void>(co_await shared.receive(buffer));
                   };
                   group.spawn("one", listen, std::ref(socket));
                   group.spawn("two", listen, std::ref(socket));
                   co_return;
                 });
               }),
               "one receive at a time");
}

TEST(UdpSocket, MayBeMovedWhileAReceiveIsInProgress) {
  in_loop([]() -> Task<> {
    UdpSocket socket = UdpSocket::bind(Address::loopback(0));
    UdpSocket moved;
    std::string text(10, '\0');
    ReceiveOperation receiving = socket.receive(bytes_of(text));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "receive",
          [](ReceiveOperation& operation, std::string& into) -> Task<> {
            const ReceivedDatagram received = co_await std::move(operation);
            into.resize(received.bytes);
          },
          std::ref(receiving), std::ref(text));
      co_await yield();
      moved = std::move(socket);
      UdpSocket sender = UdpSocket::connect(moved.local_address());
      co_await sender.send("hello");
    });
    EXPECT_EQ(text, "hello");
  });
}

TEST(UdpSocket, SaysWhatItCouldNotDo) {
  in_loop([]() -> Task<> {
    try {
      static_cast<void>(UdpSocket::bind(Address::from("192.0.2.1:7000")));
      ADD_FAILURE() << "this is nobody's address";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "bind 192.0.2.1:7000: Cannot assign requested address");
    }
    UdpSocket socket = UdpSocket::bind(Address::loopback(0));
    try {
      socket.join(Address::loopback(0));
      ADD_FAILURE() << "this is no group";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "join 127.0.0.1:0: Invalid argument");
    }
    co_return;
  });
}

}  // namespace
}  // namespace coracle::net
