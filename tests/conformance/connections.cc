// Connecting, accepting, and what is served over connections.
#include <functional>
#include <string>
#include <vector>

#include "net/rpc.h"
#include "net/serve.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

Task<> accept_after_a_timeout(Meeting& meeting) {
  Listener listener = meeting.listen();
  for (int i = 0; i < 3; ++i) {
    const auto nobody = co_await within(1ms, listener.accept());
    EXPECT_FALSE(nobody);
  }
  meeting.place = listener.name();
  Stream stream = co_await listener.accept();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "here");
}

Task<> say_here(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("here");
}

Task<> accept_late(Meeting& meeting) {
  Listener listener = listen(meeting);
  co_await sleep_for(10ms);
  Stream stream = co_await listener.accept();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "here");
}

Task<> destroy_the_listener(Meeting& meeting) {
  const Listener listener = listen(meeting);
  co_await meeting.reached(1);
  co_await sleep_for(5ms);
}

Task<> expect_reset_by_the_listener(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  meeting.step = 1;
  const std::error_code code = co_await code_of(read_once(stream));
  EXPECT_EQ(code, std::errc::connection_reset);
}

Task<> accept_nobody(Meeting& meeting) {
  const Listener listener = listen(meeting, /*backlog=*/0);
  co_await meeting.reached(1);
}

// A listener whose queue is full: who would connect waits.
Task<> give_up_connecting(Meeting& meeting) {
  std::vector<Stream> connected;
  for (int i = 0; i < 10; ++i) {
    auto stream = co_await within(200ms, connect_to(meeting));
    if (!stream) break;
    connected.push_back(std::move(*stream));
  }
  EXPECT_EQ(connected.size(), 1U);
  meeting.step = 1;
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
  Stream stream = co_await accept_one(meeting);
  co_await server.serve(std::move(stream));
}

Task<> call(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  net::RpcClient client(std::move(stream));
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

Task<> echo_until_the_end(Stream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

Task<> serve_echo(Meeting& meeting) {
  Listener listener = listen(meeting);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("serve", [&] { return net::serve(listener, echo_until_the_end); });
    co_await meeting.reached(30);
    group.cancel();
  });
}

Task<> ask(Meeting& meeting, int number) {
  Stream stream = co_await connect_to(meeting);
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

constexpr Scenario kScenarios[] = {
    {"ACanceledAcceptLosesNothing", accept_after_a_timeout, say_here},
    {"BytesComeBeforeTheAccept", accept_late, say_here},
    {"ADestroyedListenerResetsItsQueue", destroy_the_listener, expect_reset_by_the_listener},
    {"AFullQueueAndACanceledConnect", accept_nobody, give_up_connecting},
    {"CallsAreAnswered", answer_calls, call},
    {"ThirtyConnectionsAreServed", serve_echo, ask_all_at_once},
};

}  // namespace

std::span<const Scenario> connection_scenarios() { return kScenarios; }

}  // namespace coracle::conformance
