// Every awaitable of net, canceled at each suspension, torn down at each suspension, and torn down
// on its way out after a cancellation: no frame, fiber, descriptor or handle is left.
#include <gtest/gtest.h>

#include <functional>

#include "net/buffered_reader.h"
#include "net/buffered_writer.h"
#include "net/resolve.h"
#include "net/serve.h"
#include "net/udp.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"
#include "tests/runtime/sweep.h"

namespace coracle::net {
namespace {

class StreamSweep : public testing::TestWithParam<Transport> {};

void sweep_everywhere(const sweep::Scenario& scenario) {
  EXPECT_GT(sweep::cancel_everywhere(scenario), 0);
  EXPECT_GT(sweep::crash_everywhere(scenario), 0);
  EXPECT_GT(sweep::crash_while_canceling_everywhere(scenario), 0);
}

Task<> exchange(Transport transport) {
  StreamPair pair = co_await connected_pair(transport);
  co_await pair.client.write("question");
  const std::string question = co_await read_once(pair.server);
  EXPECT_EQ(question, "question");
  co_await pair.client.finish();
  co_await pair.server.write("answer");
  const std::string end = co_await read_once(pair.server);
  EXPECT_EQ(end, "");
  const std::string answer = co_await read_once(pair.client);
  EXPECT_EQ(answer, "answer");
}

TEST_P(StreamSweep, Exchange) {
  sweep_everywhere([] { return exchange(GetParam()); });
}

Task<> read_with_timeouts(Transport transport) {
  StreamPair pair = co_await connected_pair(transport);
  for (int i = 0; i < 3; ++i) {
    const auto nothing = co_await within(200us, read_once(pair.server));
    EXPECT_FALSE(nothing);
  }
  co_await pair.client.write("late");
  const auto text = co_await within(10s, read_once(pair.server));
  EXPECT_EQ(text.value_or("nothing"), "late");
}

TEST_P(StreamSweep, ReadsWithTimeouts) {
  sweep_everywhere([] { return read_with_timeouts(GetParam()); });
}

const std::string& half_a_megabyte() {
  static const std::string text = pattern(500'000);
  return text;
}

Task<> write_large(Stream& stream) {
  co_await stream.write(half_a_megabyte());
  co_await stream.finish();
}

Task<> read_large(Stream& stream) {
  const std::string text = co_await read_to_end(stream);
  expect_equal_bytes(text, half_a_megabyte());
}

Task<> stream_large(Transport transport) {
  StreamPair pair = co_await connected_pair(transport);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("write", write_large, std::ref(pair.client));
    group.spawn("read", read_large, std::ref(pair.server));
    co_return;
  });
}

TEST_P(StreamSweep, WritesThatWait) {
  EXPECT_GT(sweep::cancel_everywhere([] { return stream_large(GetParam()); }), 0);
  EXPECT_GT(sweep::crash_everywhere([] { return stream_large(GetParam()); }), 0);
}

// The writer is canceled, and its stream goes on by itself.
Task<> linger(Transport transport) {
  StreamPair pair = co_await connected_pair(transport);
  const bool written = co_await within(1ms, pair.client.write(half_a_megabyte()));
  if (!written) co_await yield();
  {
    const Stream gone = std::move(pair.client);
  }
  co_await read_large(pair.server);
}

TEST_P(StreamSweep, Linger) {
  sweep_everywhere([] { return linger(GetParam()); });
}

Task<> accept_twice(Transport transport) {
  Listener listener = listen_over(transport);
  const auto nobody = co_await within(200us, listener.accept());
  EXPECT_FALSE(nobody);
  Stream client = co_await connect_to_name(listener.name());
  Stream server = co_await listener.accept();
  co_await client.write("here");
  const std::string here = co_await read_once(server);
  EXPECT_EQ(here, "here");
}

TEST_P(StreamSweep, Accept) {
  sweep_everywhere([] { return accept_twice(GetParam()); });
}

Task<> connect_to_nobody() {
  const Address address = TcpListener::listen(Address::loopback(0)).local_address();
  const std::string error = co_await error_of(TcpStream::connect(address));
  EXPECT_NE(error, "no error");
}

TEST(NetSweep, RefusedConnect) { sweep_everywhere(connect_to_nobody); }

Task<> look_up() {
  const std::vector<Address> addresses = co_await resolve("localhost", 80);
  EXPECT_FALSE(addresses.empty());
  const std::vector<Address> literal = co_await resolve("127.0.0.1:80");
  EXPECT_EQ(literal.front(), Address::loopback(80));
}

TEST(NetSweep, Resolve) { sweep_everywhere(look_up); }

Task<> connect_by_name() {
  TcpListener listener = TcpListener::listen(Address::loopback(0));
  TcpStream client = co_await TcpStream::connect("localhost", listener.local_address().port());
  TcpStream server = co_await listener.accept();
  EXPECT_TRUE(server.connected());
}

TEST(NetSweep, ConnectByName) { sweep_everywhere(connect_by_name); }

Task<> echo_one_batch(UdpSocket& socket) {
  DatagramBatch batch(4);
  for (std::size_t echoed = 0; echoed < 3;) {
    static_cast<void>(co_await socket.receive_batch(batch));
    echoed += co_await socket.send_batch(batch);
  }
}

Task<> exchange_datagrams() {
  UdpSocket server = UdpSocket::bind(Address::loopback(0));
  UdpSocket client = UdpSocket::connect(server.local_address());
  std::string text(100, '\0');
  const auto nothing = co_await within(200us, client.receive(bytes_of(text)));
  EXPECT_FALSE(nothing);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("echo", echo_one_batch, std::ref(server));
    co_await client.send("a");
    co_await client.send("b");
    co_await client.send("c");
    for (int i = 0; i < 3; ++i) {
      const ReceivedDatagram received = co_await client.receive(bytes_of(text));
      EXPECT_EQ(received.bytes, 1U);
    }
  });
}

TEST(NetSweep, Datagrams) { sweep_everywhere(exchange_datagrams); }

// A canceled receive takes nothing.
Task<> receive_what_a_canceled_one_left() {
  UdpSocket socket = UdpSocket::bind(Address::loopback(0));
  UdpSocket sender = UdpSocket::connect(socket.local_address());
  for (int i = 0; i < 5; ++i) {
    co_await sender.send(std::to_string(i));
    std::string text(10, '\0');
    static_cast<void>(co_await within(0us, socket.receive(bytes_of(text))));
  }
}

TEST(NetSweep, CanceledReceives) { sweep_everywhere(receive_what_a_canceled_one_left); }

Task<> talk_in_lines(Transport transport) {
  StreamPair pair = co_await connected_pair(transport);
  BufferedWriter writer(pair.client);
  BufferedReader reader(pair.server);
  co_await writer.write("line\nbody");
  co_await writer.flush();
  const auto line = co_await reader.read_line();
  EXPECT_EQ(line.value_or("nothing"), "line");
  co_await writer.write("!");
  co_await writer.flush();
  std::string body(5, '\0');
  const bool whole = co_await reader.read_exactly(bytes_of(body));
  EXPECT_TRUE(whole);
  EXPECT_EQ(body, "body!");
  std::string more(1, '\0');
  co_await writer.write("?");
  co_await writer.flush();
  const std::size_t some = co_await reader.read_some(bytes_of(more));
  EXPECT_EQ(some, 1U);
}

TEST_P(StreamSweep, BufferedReaderAndWriter) {
  sweep_everywhere([] { return talk_in_lines(GetParam()); });
}

Task<> echo(TcpStream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

Task<> ask(Address address) {
  TcpStream stream = co_await TcpStream::connect(address);
  for (int i = 0; i < 2; ++i) {
    co_await stream.write("question");
    const std::string answer = co_await read_once(stream);
    EXPECT_EQ(answer, "question");
  }
}

template <class Options>
Task<> serve_two(Options options) {
  TcpListener listener = TcpListener::listen(Address::loopback(0));
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("serve", [&] { return serve(listener, echo, options); });
    co_await task_group([&](TaskGroup& clients) -> Task<> {
      clients.spawn("ask", ask, listener.local_address());
      clients.spawn("ask", ask, listener.local_address());
      co_return;
    });
    group.cancel();
  });
}

TEST(NetSweep, Serve) {
  const auto scenario = [] { return serve_two(ServeOptions()); };
  EXPECT_GT(sweep::cancel_everywhere(scenario), 0);
  EXPECT_GT(sweep::crash_everywhere(scenario), 0);
}

TEST(NetSweep, ServeWithTimeToDrain) {
  const auto scenario = [] {
    const ServeOptions options{.drain = 2ms};
    return serve_two(options);
  };
  EXPECT_GT(sweep::cancel_everywhere(scenario), 0);
  EXPECT_GT(sweep::crash_everywhere(scenario), 0);
}

INSTANTIATE_TEST_SUITE_P(Over, StreamSweep, kTransports, name_of_transport);

}  // namespace
}  // namespace coracle::net
