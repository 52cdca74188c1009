#include "tests/conformance/datagrams.h"

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "net/udp.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"

namespace coracle::conformance {
namespace {

using net::Address;
using net::DatagramBatch;
using net::kDatagramBytesMax;
using net::ReceivedDatagram;
using net::UdpSocket;

struct Text {
  std::string text;
  ReceivedDatagram datagram;
};

Task<Text> receive_text(UdpSocket& socket, std::size_t at_most = kDatagramBytesMax) {
  Text received;
  received.text.resize(at_most);
  received.datagram = co_await socket.receive(bytes_of(received.text));
  received.text.resize(received.datagram.bytes);
  co_return received;
}

UdpSocket bind(Meeting& meeting, const net::UdpOptions& options = {}) {
  UdpSocket socket = UdpSocket::bind(meeting.bind, options);
  meeting.place = socket.local_address().to_string();
  return socket;
}

Task<UdpSocket> connect_udp(Meeting& meeting) {
  const std::string place = co_await meeting.listening();
  const Address address = Address::from(place);
  co_return UdpSocket::connect(address);
}

Task<> nothing(Meeting& /*meeting*/) { co_return; }

// --- one by one --------------------------------------------------------------------------------

Task<> echo_hundred(Meeting& meeting) {
  UdpSocket socket = bind(meeting);
  EXPECT_FALSE(socket.peer_address());
  for (int i = 0; i < 100; ++i) {
    const Text question = co_await receive_text(socket);
    co_await socket.send(question.text, question.datagram.from);
  }
}

Task<> ask_hundred(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  EXPECT_EQ(socket.peer_address(), Address::from(*meeting.place));
  for (int i = 0; i < 100; ++i) {
    const std::string question = "question " + std::to_string(i);
    co_await socket.send(question);
    const Text answer = co_await receive_text(socket);
    EXPECT_EQ(answer.text, question);
    EXPECT_EQ(answer.datagram.from, Address::from(*meeting.place));
    EXPECT_FALSE(answer.datagram.truncated());
  }
}

Task<> expect_odd_sizes(Meeting& meeting) {
  UdpSocket socket = bind(meeting);
  const Text cut = co_await receive_text(socket, 10);
  EXPECT_EQ(cut.text, pattern(100).substr(0, 10));
  EXPECT_EQ(cut.datagram.datagram_bytes, 100U);
  EXPECT_TRUE(cut.datagram.truncated());
  meeting.step = 1;
  const Text empty = co_await receive_text(socket);
  EXPECT_EQ(empty.datagram.bytes, 0U);
  EXPECT_FALSE(empty.datagram.truncated());
  EXPECT_NE(empty.datagram.from.port(), 0);
  meeting.step = 2;
  const Text none = co_await receive_text(socket, 0);
  EXPECT_EQ(none.datagram.datagram_bytes, 3U);
  meeting.step = 3;
  const Text largest = co_await receive_text(socket);
  expect_equal_bytes(largest.text, pattern(kDatagramBytesMax));
}

Task<> send_odd_sizes(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  co_await socket.send(pattern(100));
  co_await meeting.reached(1);
  co_await socket.send("");
  co_await meeting.reached(2);
  co_await socket.send("abc");
  co_await meeting.reached(3);
  const std::error_code code = co_await code_of(socket.send(pattern(kDatagramBytesMax + 1)));
  EXPECT_EQ(code, std::errc::message_size);
  co_await socket.send(pattern(kDatagramBytesMax));
}

Task<> send_slowly(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  for (int i = 0; i < 50; ++i) {
    co_await socket.send(std::to_string(i));
    co_await sleep_for(250us);
  }
  co_await meeting.reached(1);
}

// What a canceled receive might have had comes with the next one.
Task<> receive_with_timeouts(Meeting& meeting) {
  UdpSocket socket = bind(meeting);
  std::set<std::string> received;
  while (received.size() < 50) {
    const auto some = co_await within(300us, receive_text(socket));
    const bool is_new = !some || received.insert(some->text).second;
    EXPECT_TRUE(is_new) << some->text;
  }
  meeting.step = 1;
}

// --- batches -----------------------------------------------------------------------------------

Task<> echo_batches(Meeting& meeting) {
  UdpSocket socket = bind(meeting);
  DatagramBatch batch(16, 100);
  for (std::size_t echoed = 0; echoed < 150;) {
    const std::size_t received = co_await socket.receive_batch(batch);
    EXPECT_EQ(received, batch.size());
    const std::size_t sent = co_await socket.send_batch(batch);
    EXPECT_EQ(sent, received);
    echoed += sent;
  }
}

Task<> ask_in_batches(Meeting& meeting) {
  UdpSocket socket = UdpSocket::bind(meeting.bind.with_port(0));
  const std::string place = co_await meeting.listening();
  const Address server = Address::from(place);
  std::set<std::string> open;
  DatagramBatch batch(150, 100);
  for (int i = 0; i < 150; ++i) {
    EXPECT_TRUE(batch.add(*open.insert("question " + std::to_string(i)).first, server));
  }
  EXPECT_FALSE(batch.add("one too many", server));
  const std::size_t sent = co_await socket.send_batch(batch);
  EXPECT_EQ(sent, 150U);
  while (!open.empty()) {
    co_await socket.receive_batch(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto bytes = std::as_const(batch).bytes(i);
      const std::string answer(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      EXPECT_EQ(open.erase(answer), 1U) << answer;
      EXPECT_EQ(batch.address(i), server);
    }
  }
}

Task<> receive_two(Meeting& meeting) {
  UdpSocket socket = bind(meeting);
  std::set<std::string> received;
  while (received.size() < 2) {
    const Text text = co_await receive_text(socket);
    received.insert(text.text);
  }
  EXPECT_EQ(received, (std::set<std::string>{"first", "last"}));
  meeting.step = 1;
}

// One that cannot be sent does not stop the others.
Task<> send_batch_with_a_bad_one(Meeting& meeting) {
  const std::string place = co_await meeting.listening();
  const Address server = Address::from(place);
  UdpSocket socket = UdpSocket::bind(meeting.bind.with_port(0));
  DatagramBatch batch(3);
  batch.add("first", server);
  batch.add("nowhere", server.with_port(0));
  batch.add("last", server);
  const std::size_t sent = co_await socket.send_batch(batch);
  EXPECT_EQ(sent, 2U);
  EXPECT_EQ(batch.error(0), 0);
  EXPECT_EQ(batch.error(1), EINVAL);
  EXPECT_EQ(batch.error(2), 0);
  co_await meeting.reached(1);
}

// --- who hears what ----------------------------------------------------------------------------

Task<> listen_late(Meeting& meeting) {
  meeting.place = UdpSocket::bind(meeting.bind).local_address().to_string();
  co_await meeting.reached(1);
  UdpSocket socket = UdpSocket::bind(Address::from(*meeting.place));
  meeting.step = 2;
  const Text question = co_await receive_text(socket);
  co_await socket.send(question.text, question.datagram.from);
}

// A connected socket is told that nobody listens, by its receive; then it goes on.
Task<> ask_until_heard(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  co_await socket.send("nobody hears this");
  const std::error_code waiting = co_await code_of(receive_text(socket));
  EXPECT_EQ(waiting, std::errc::connection_refused);
  co_await socket.send("nor this");
  co_await sleep_for(5ms);
  co_await socket.send("nor this, but that is not known yet");
  const std::error_code later = co_await code_of(receive_text(socket));
  EXPECT_EQ(later, std::errc::connection_refused);
  co_await sleep_for(5ms);
  const auto told_again = co_await within(1ms, code_of(receive_text(socket)));
  EXPECT_EQ(told_again.value_or(std::error_code()), std::errc::connection_refused);
  meeting.step = 1;
  co_await meeting.reached(2);
  co_await socket.send("question");
  const Text answer = co_await receive_text(socket);
  EXPECT_EQ(answer.text, "question");
}

// One that is not connected learns nothing.
Task<> send_to_nobody(Meeting& meeting) {
  UdpSocket socket = UdpSocket::bind(meeting.bind);
  const Address gone = UdpSocket::bind(meeting.bind).local_address();
  co_await socket.send("nobody hears this", gone);
  co_await sleep_for(5ms);
  co_await socket.send("nor this", gone);
  const auto received = co_await within(5ms, receive_text(socket));
  EXPECT_FALSE(received);
}

Task<> expect_friend_only(Meeting& meeting) {
  UdpSocket stranger = UdpSocket::bind(meeting.bind);
  UdpSocket socket = bind(meeting);
  const Text hello = co_await receive_text(socket);
  co_await stranger.send("from a stranger", hello.datagram.from);
  co_await sleep_for(5ms);
  co_await socket.send("from a friend", hello.datagram.from);
}

Task<> hear_the_peer_only(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  co_await socket.send("hello");
  const Text text = co_await receive_text(socket);
  EXPECT_EQ(text.text, "from a friend");
}

Task<> bind_twice(Meeting& meeting) {
  const UdpSocket socket = UdpSocket::bind(meeting.bind);
  std::string what;
  try {
    static_cast<void>(UdpSocket::bind(socket.local_address()));
  } catch (const Error& in_use) {
    what = in_use.what();
  }
  EXPECT_EQ(what, "bind " + socket.local_address().to_string() + ": Address already in use");
  const UdpSocket one = UdpSocket::bind(meeting.bind, {.reuse_port = true});
  const UdpSocket other = UdpSocket::bind(one.local_address(), {.reuse_port = true});
  EXPECT_EQ(one.local_address(), other.local_address());
  co_return;
}

Task<> lose_what_does_not_fit(Meeting& meeting) {
  UdpSocket socket = bind(meeting, {.receive_buffer_bytes = 4096});
  EXPECT_GE(socket.receive_buffer_bytes(), 4096U);
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
  int received = 0;
  while (co_await within(5ms, receive_text(socket))) ++received;
  EXPECT_GT(received, 0);
  EXPECT_LT(received, 100);
}

Task<> send_too_much(Meeting& meeting) {
  UdpSocket socket = co_await connect_udp(meeting);
  for (int i = 0; i < 100; ++i) co_await socket.send(pattern(1000));
  meeting.step = 1;
}

// --- many --------------------------------------------------------------------------------------

// All on one machine, on its loopback interface.
Task<> talk_to_a_group(Meeting& /*meeting*/) {
  const Address loopback = Address::loopback(0);
  const Address group = Address::from("239.1.2.3:0");
  UdpSocket member = UdpSocket::bind(Address::from("0.0.0.0:0"), {.reuse_address = true});
  const std::uint16_t port = member.local_address().port();
  UdpSocket other =
      UdpSocket::bind(Address::from("0.0.0.0:0").with_port(port), {.reuse_address = true});
  UdpSocket sender = UdpSocket::bind(loopback);
  sender.set_multicast_interface(loopback);
  member.join(group, loopback);
  co_await sender.send("to the group", group.with_port(port));
  const Text heard = co_await receive_text(member);
  EXPECT_EQ(heard.text, "to the group");
  EXPECT_EQ(heard.datagram.from, sender.local_address());
  const auto unheard = co_await within(5ms, receive_text(other));
  EXPECT_FALSE(unheard) << "it has joined nothing";

  other.join(group, loopback);
  co_await sender.send("to both", group.with_port(port));
  const Text one = co_await receive_text(member);
  const Text two = co_await receive_text(other);
  EXPECT_EQ(one.text + ", " + two.text, "to both, to both");

  member.leave(group, loopback);
  co_await sender.send("to the other", group.with_port(port));
  const Text last = co_await receive_text(other);
  EXPECT_EQ(last.text, "to the other");
  const auto left = co_await within(5ms, receive_text(member));
  EXPECT_FALSE(left);
}

template <class Call>
std::error_code code_of_call(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return {};
}

Task<> set_what_is_wrong(Meeting& meeting) {
  UdpSocket socket = UdpSocket::bind(meeting.bind);
  const Address group = Address::from("239.1.2.3:0");
  EXPECT_EQ(code_of_call([&] { socket.join(Address::loopback(0)); }), std::errc::invalid_argument);
  EXPECT_EQ(code_of_call([&] { socket.leave(group, Address::loopback(0)); }),
            std::errc::address_not_available);
  EXPECT_EQ(code_of_call([&] { socket.set_ttl(0); }), std::errc::invalid_argument);
  EXPECT_EQ(code_of_call([&] { socket.set_ttl(256); }), std::errc::invalid_argument);
  EXPECT_EQ(code_of_call([&] { socket.set_multicast_ttl(-1); }), std::errc::invalid_argument);
  EXPECT_EQ(code_of_call([&] { socket.set_multicast_ttl(256); }), std::errc::invalid_argument);
  socket.set_ttl(1);
  socket.set_multicast_ttl(0);
  socket.join(group, Address::loopback(0));
  EXPECT_EQ(code_of_call([&] { socket.join(group, Address::loopback(0)); }),
            std::errc::address_in_use);
  co_return;
}

Task<> ask_everyone(Meeting& /*meeting*/) {
  UdpSocket hearer = UdpSocket::bind(Address::from("0.0.0.0:0"));
  UdpSocket sender = UdpSocket::bind(Address::from("0.0.0.0:0"));
  const Address everyone =
      Address::from("127.255.255.255:0").with_port(hearer.local_address().port());
  const std::error_code code = co_await code_of(sender.send("hello", everyone));
  EXPECT_EQ(code, std::errc::permission_denied);
  sender.set_broadcast(true);
  co_await sender.send("hello", everyone);
  const Text heard = co_await receive_text(hearer);
  EXPECT_EQ(heard.text, "hello");
}

Task<> talk_over_ipv6(Meeting& /*meeting*/) {
  UdpSocket server = UdpSocket::bind(Address::from("[::]:0"));
  const Address here = Address::from("[::1]:0").with_port(server.local_address().port());
  UdpSocket client = UdpSocket::connect(here);
  co_await client.send("hello");
  const Text hello = co_await receive_text(server);
  EXPECT_EQ(hello.text, "hello");
  EXPECT_EQ(hello.datagram.from, client.local_address());
  const Address over_ipv4 = Address::loopback(here.port());
  const std::error_code code = co_await code_of(server.send("hello", over_ipv4));
  EXPECT_TRUE(code);
  // IPv4 is not heard: the port is free there.
  static_cast<void>(UdpSocket::bind(over_ipv4));
}

constexpr Scenario kScenarios[] = {
    {"Exchange", echo_hundred, ask_hundred},
    {"OddSizes", expect_odd_sizes, send_odd_sizes},
    {"CanceledReceivesLoseNothing", receive_with_timeouts, send_slowly},
    {"Batches", echo_batches, ask_in_batches},
    {"ABadOneInABatch", receive_two, send_batch_with_a_bad_one},
    {"NobodyListens", listen_late, ask_until_heard},
    {"NobodyListensToTheUnconnected", send_to_nobody, nothing},
    {"StrangersAreNotHeard", expect_friend_only, hear_the_peer_only},
    {"PortInUse", bind_twice, nothing},
    {"AFullBuffer", lose_what_does_not_fit, send_too_much},
    {"Multicast", talk_to_a_group, nothing},
    {"WrongSettings", set_what_is_wrong, nothing},
    {"Broadcast", ask_everyone, nothing},
    {"Ipv6", talk_over_ipv6, nothing},
};

}  // namespace

std::span<const Scenario> datagram_scenarios() { return kScenarios; }

}  // namespace coracle::conformance
