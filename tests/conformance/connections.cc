// Connecting, accepting, and what is served over connections.
#include <functional>
#include <string>
#include <vector>

#include "net/resolve.h"
#include "net/rpc.h"
#include "net/serve.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

Task<> expect_addresses(Meeting& meeting) {
  TcpStream stream = co_await accept_one(meeting);
  EXPECT_EQ(stream.local_address(), *meeting.address);
  co_await stream.write(stream.peer_address().to_string());
  co_await stream.finish();
}

Task<> compare_addresses(Meeting& meeting) {
  TcpStream stream = co_await connect_to(meeting);
  EXPECT_EQ(stream.peer_address(), *meeting.address);
  EXPECT_EQ(stream.peer_name(), meeting.address->to_string());
  const std::string seen = co_await read_to_end(stream);
  EXPECT_EQ(seen, stream.local_address().to_string());
}

Task<> listen_and_go(Meeting& meeting) {
  meeting.address = TcpListener::listen(meeting.bind).local_address();
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
    meeting.address = listener.local_address();
    try {
      static_cast<void>(TcpListener::listen(*meeting.address));
    } catch (const Error& in_use) {
      code = in_use.code();
    }
  }
  EXPECT_EQ(code, std::errc::address_in_use);
  TcpListener again = TcpListener::listen(*meeting.address);
  meeting.step = 1;
  const TcpStream stream = co_await again.accept();
  EXPECT_TRUE(stream.connected());
}

Task<> connect_when_told(Meeting& meeting) {
  co_await meeting.reached(1);
  const TcpStream stream = co_await connect_to(meeting);
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

Task<> accept_after_a_timeout(Meeting& meeting) {
  TcpListener listener = TcpListener::listen(meeting.bind);
  for (int i = 0; i < 3; ++i) {
    const auto nobody = co_await within(1ms, listener.accept());
    EXPECT_FALSE(nobody);
  }
  meeting.address = listener.local_address();
  TcpStream stream = co_await listener.accept();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "here");
}

Task<> say_here(Meeting& meeting) {
  TcpStream stream = co_await connect_to(meeting);
  co_await stream.write("here");
}

Task<> accept_late(Meeting& meeting) {
  TcpListener listener = TcpListener::listen(meeting.bind);
  meeting.address = listener.local_address();
  co_await sleep_for(10ms);
  TcpStream stream = co_await listener.accept();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "here");
}

// The kernel has connected before anybody accepts.
Task<> accept_what_was_reset(Meeting& meeting) {
  TcpListener listener = TcpListener::listen(meeting.bind);
  meeting.address = listener.local_address();
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
  TcpStream stream = co_await listener.accept();
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
}

Task<> connect_and_reset(Meeting& meeting) {
  TcpStream stream = co_await connect_to(meeting);
  co_await sleep_for(2ms);
  stream.reset();
  meeting.step = 1;
}

Task<> destroy_the_listener(Meeting& meeting) {
  const TcpListener listener = TcpListener::listen(meeting.bind);
  meeting.address = listener.local_address();
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
}

Task<> expect_reset_by_the_listener(Meeting& meeting) {
  TcpStream stream = co_await connect_to(meeting);
  meeting.step = 1;
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
}

Task<> accept_nobody(Meeting& meeting) {
  const net::ListenOptions tiny{.backlog = 0};
  const TcpListener listener = TcpListener::listen(meeting.bind, tiny);
  meeting.address = listener.local_address();
  co_await meeting.reached(1);
}

// A listener whose queue is full: the kernel drops what would connect, so that it waits.
Task<> give_up_connecting(Meeting& meeting) {
  const net::Address address = co_await meeting.listening();
  std::vector<TcpStream> connected;
  for (int i = 0; i < 10; ++i) {
    auto stream = co_await within(200ms, TcpStream::connect(address));
    if (!stream) break;
    connected.push_back(std::move(*stream));
  }
  EXPECT_EQ(connected.size(), 1U);
  meeting.step = 1;
}

Task<> share_the_port(Meeting& meeting) {
  const net::ListenOptions shared{.reuse_port = true};
  const TcpListener one = TcpListener::listen(meeting.bind, shared);
  const TcpListener two = TcpListener::listen(one.local_address(), shared);
  EXPECT_EQ(one.local_address(), two.local_address());
  co_return;
}

// --- services ----------------------------------------------------------------------------------

Task<int> sum(int a, int b) { co_return a + b; }
Task<std::string> fail() {
  throw std::runtime_error("not today");
  co_return "";
}

Task<> answer_calls(Meeting& meeting) {
  net::RpcServer server;
  server.handle("sum", sum);
  server.handle("fail", fail);
  TcpStream stream = co_await accept_one(meeting);
  co_await server.serve(std::move(stream));
}

Task<> call(Meeting& meeting) {
  const net::Address address = co_await meeting.listening();
  net::RpcClient client = co_await net::RpcClient::connect(address);
  for (int i = 0; i < 20; ++i) {
    const int result = co_await client.call<int>("sum", i, 1000);
    EXPECT_EQ(result, i + 1000);
  }
  std::string failure;
  try {
    static_cast<void>(co_await client.call<std::string>("fail"));
  } catch (const net::RpcError& error) {
    failure = error.what();
  }
  EXPECT_NE(failure.find("not today"), std::string::npos) << failure;
}

Task<> echo_until_the_end(TcpStream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

Task<> serve_echo(Meeting& meeting) {
  TcpListener listener = TcpListener::listen(meeting.bind);
  meeting.address = listener.local_address();
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("serve", [&] { return net::serve(listener, echo_until_the_end); });
    co_await meeting.reached(30);
    group.cancel();
  });
}

Task<> ask(Meeting& meeting, int number) {
  TcpStream stream = co_await connect_to(meeting);
  const std::string question = "question " + std::to_string(number);
  co_await stream.write(question);
  const std::string answer = co_await read_once(stream);
  EXPECT_EQ(answer, question);
  ++meeting.step;
}

Task<> ask_all_at_once(Meeting& meeting) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 30; ++i) group.spawn("ask", ask, std::ref(meeting), i);
    co_return;
  });
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
    {"ACanceledAcceptLosesNothing", accept_after_a_timeout, say_here},
    {"BytesComeBeforeTheAccept", accept_late, say_here},
    {"AConnectionThatWasResetIsAccepted", accept_what_was_reset, connect_and_reset},
    {"ADestroyedListenerResetsItsQueue", destroy_the_listener, expect_reset_by_the_listener},
    {"AFullQueueAndACanceledConnect", accept_nobody, give_up_connecting},
    {"ListenersShareAPort", share_the_port, nothing},
    {"CallsAreAnswered", answer_calls, call},
    {"ThirtyConnectionsAreServed", serve_echo, ask_all_at_once},
    {"ConnectByName", connect_by_name, nothing},
};

}  // namespace

std::span<const Scenario> connection_scenarios() { return kScenarios; }

}  // namespace coracle::conformance
