// What TCP has and other streams have not.
#include "net/resolve.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

Task<> expect_addresses(Meeting& meeting) {
  TcpStream stream(co_await accept_one(meeting));
  EXPECT_EQ(stream.local_address().to_string(), *meeting.place);
  co_await stream.write(stream.peer_address().to_string());
  co_await stream.finish();
}

Task<> compare_addresses(Meeting& meeting) {
  TcpStream stream(co_await connect_to(meeting));
  EXPECT_EQ(stream.peer_address().to_string(), *meeting.place);
  EXPECT_EQ(stream.peer_name(), *meeting.place);
  const std::string seen = co_await read_to_end(stream);
  EXPECT_EQ(seen, stream.local_address().to_string());
}

Task<> listen_and_go(Meeting& meeting) {
  static_cast<void>(listen(meeting));
  co_return;
}

Task<> expect_refusal(Meeting& meeting) {
  const std::error_code code = co_await code_of(connect_to(meeting));
  EXPECT_EQ(code, std::errc::connection_refused);
}

Task<> listen_twice(Meeting& meeting) {
  std::error_code code;
  {
    const TcpListener listener = TcpListener::listen(meeting.bind);
    meeting.place = listener.name();
    try {
      static_cast<void>(TcpListener::listen(net::Address::from(*meeting.place)));
    } catch (const Error& in_use) {
      code = in_use.code();
    }
  }
  EXPECT_EQ(code, std::errc::address_in_use);
  TcpListener again = TcpListener::listen(net::Address::from(*meeting.place));
  meeting.step = 1;
  const TcpStream stream = co_await again.accept();
  EXPECT_TRUE(stream.connected());
}

Task<> connect_when_told(Meeting& meeting) {
  co_await meeting.reached(1);
  const Stream stream = co_await connect_to(meeting);
  EXPECT_TRUE(stream.connected());
}

Task<> listen_elsewhere(Meeting& /*meeting*/) {
  std::error_code code;
  try {
    static_cast<void>(TcpListener::listen(net::Address::from("192.0.2.1:7000")));
  } catch (const Error& unavailable) {
    code = unavailable.code();
  }
  EXPECT_EQ(code, std::errc::address_not_available);
  co_return;
}

Task<> nothing(Meeting& /*meeting*/) { co_return; }

// The kernel has connected before anybody accepts.
Task<> accept_what_was_reset(Meeting& meeting) {
  Listener listener = listen(meeting);
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
  Stream stream = co_await listener.accept();
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
}

Task<> connect_and_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await sleep_for(2ms);
  stream.reset();
  meeting.step = 1;
}

Task<> share_the_port(Meeting& meeting) {
  const net::ListenOptions shared{.reuse_port = true};
  const TcpListener one = TcpListener::listen(meeting.bind, shared);
  const TcpListener two = TcpListener::listen(one.local_address(), shared);
  EXPECT_EQ(one.local_address(), two.local_address());
  co_return;
}

Task<> connect_by_name(Meeting& /*meeting*/) {
  TcpListener listener = TcpListener::listen(net::Address::loopback(0));
  const std::uint16_t port = listener.local_address().port();
  TcpStream client = co_await TcpStream::connect("localhost", port);
  TcpStream server = co_await listener.accept();
  EXPECT_EQ(server.peer_address(), client.local_address());
  client = co_await TcpStream::connect("localhost:" + std::to_string(port));
  server = co_await listener.accept();
  EXPECT_EQ(server.peer_address(), client.local_address());
  const std::error_code code = co_await code_of(TcpStream::connect("localhost"));
  EXPECT_EQ(code, std::errc::invalid_argument);
  const auto literal = co_await net::resolve("127.0.0.1:80");
  EXPECT_EQ(literal.front(), net::Address::loopback(80));
}

constexpr Scenario kScenarios[] = {
    {"EachEndKnowsBothAddresses", expect_addresses, compare_addresses},
    {"NobodyListens", listen_and_go, expect_refusal},
    {"ThePortIsInUseUntilTheListenerGoes", listen_twice, connect_when_told},
    {"AnAddressOfSomebodyElse", listen_elsewhere, nothing},
    {"AConnectionThatWasResetIsAccepted", accept_what_was_reset, connect_and_reset},
    {"ListenersShareAPort", share_the_port, nothing},
    {"ConnectByName", connect_by_name, nothing},
};

}  // namespace

std::span<const Scenario> tcp_scenarios() { return kScenarios; }

}  // namespace coracle::conformance
