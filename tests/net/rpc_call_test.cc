// Calls and notifications between our client and our server.
#include <gtest/gtest.h>

#include "runtime/combinators.h"
#include "tests/net/rpc_service.h"

namespace coracle::net {
namespace {

TEST(Rpc, CallsMethods) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    EXPECT_EQ(client.peer_name(), address.to_string());
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
    const std::string text = co_await client.call<std::string>("echo", "hello");
    EXPECT_EQ(text, "hello");
    const std::string big(300000, 'x');
    const std::string big_echo = co_await client.call<std::string>("echo", big);
    expect_equal_bytes(big_echo, big);
    co_await client.call("sum", 1, 2);  // whatever it returns
  });
}

TEST(Rpc, CarriesStructsAndOptionalParameters) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    const Point point{.x = 5, .name = "p"};
    const Point one_on = co_await client.call<Point>("move", point);
    EXPECT_EQ(one_on, (Point{6, "p"}));
    const Point ten_on = co_await client.call<Point>("move", point, 10);
    EXPECT_EQ(ten_on, (Point{15, "p"}));
  });
}

TEST(Rpc, TellsAMethodWhoCalls) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient first = co_await RpcClient::connect(address);
    RpcClient second = co_await RpcClient::connect(address);
    const std::string one = co_await first.call<std::string>("who", "hi");
    const std::string two = co_await second.call<std::string>("who", "hi");
    EXPECT_EQ(one.substr(0, 15), "hi 1 127.0.0.1:");
    EXPECT_EQ(two.substr(0, 15), "hi 2 127.0.0.1:");
  });
}

// What a service keeps for a client goes when the client does, after its calls.
TEST(Rpc, TellsAServiceThatAClientHasGone) {
  with_service([](Service& service, Address address) -> Task<> {
    RpcClient stays = co_await RpcClient::connect(address);
    co_await stays.call("leave", "who stays");
    {
      RpcClient goes = co_await RpcClient::connect(address);
      co_await goes.call("leave", "one");
      co_await goes.call("leave", "two");
      co_await goes.notify("hold", "its last call");
      co_await until_held(service, 1);
    }
    co_await stays.call("sum", 1, 2);
    EXPECT_TRUE(service.notes.empty()) << "a call of it goes on";
    service.gates["its last call"].set();
    while (service.notes.size() < 2) co_await sleep_for(1ms);
    EXPECT_EQ(service.notes, (std::vector<std::string>{"end of two", "end of one"}));
    EXPECT_EQ(service.held, 0) << "its calls had ended before";
    co_await stays.call("sum", 1, 2);
    EXPECT_EQ(service.notes.size(), 2U);
  });
}

TEST(Rpc, AnswersConcurrentCallsInTheOrderInWhichTheyEnd) {
  with_service([](Service& service, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    std::vector<std::string> order;
    const auto hold = [&](std::string gate) -> Task<> {
      order.push_back(co_await client.call<std::string>("hold", gate));
    };
    const auto open_in_turn = [&]() -> Task<> {
      co_await until_held(service, 4);
      for (const char* gate : {"c", "a", "d", "b"}) {
        const std::size_t answered = order.size() + 1;
        service.gates[gate].set();
        while (order.size() < answered) co_await sleep_for(1ms);
      }
    };
    co_await when_all(hold("a"), hold("b"), hold("c"), hold("d"), open_in_turn());
    EXPECT_EQ(order, (std::vector<std::string>{"c", "a", "d", "b"}));
  });
}

Task<> check_sums(RpcClient& client, int count) {
  for (int i = 0; i < count; ++i) {
    const int sum = co_await client.call<int>("sum", i, 1);
    EXPECT_EQ(sum, i + 1);
  }
}

TEST(Rpc, MultiplexesManyCallers) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClientOptions options;
    options.calls_max = 16;
    RpcClient client = co_await RpcClient::connect(address, options);
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 100; ++i) group.spawn("caller", check_sums, std::ref(client), 50);
      co_return;
    });
  });
}

Task<> check_hold(RpcClient& client, std::string gate) {
  const std::string passed = co_await client.call<std::string>("hold", gate);
  EXPECT_EQ(passed, gate);
}

// Twelve calls wait at one gate; it is opened when so many are there, and no more come.
Task<> check_limit(Service& service, RpcClient& client, int limit) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < 12; ++i) group.spawn("caller", check_hold, std::ref(client), "gate");
    co_await until_held(service, limit);
    co_await sleep_for(20ms);
    EXPECT_EQ(service.held, limit);
    service.gates["gate"].set();
  });
  EXPECT_EQ(service.held_most, limit);
}

TEST(Rpc, KeepsTheClientsLimitOfCallsInFlight) {
  with_service([](Service& service, Address address) -> Task<> {
    RpcClientOptions options;
    options.calls_max = 3;
    RpcClient client = co_await RpcClient::connect(address, options);
    co_await check_limit(service, client, 3);
  });
}

TEST(Rpc, KeepsTheServersLimitOfCallsInProgress) {
  RpcServerOptions server_options;
  server_options.calls_max = 2;
  with_service(
      [](Service& service, Address address) -> Task<> {
        RpcClient client = co_await RpcClient::connect(address);
        co_await check_limit(service, client, 2);
      },
      server_options);
}

TEST(Rpc, TimesACallOutAndIgnoresItsLateAnswer) {
  const auto lines = with_service([](Service& service, Address address) -> Task<> {
    RpcClientOptions options;
    options.call_timeout = 1s;
    RpcClient client = co_await RpcClient::connect(address, options);
    const std::string error = co_await error_of(client.call("hold", "late"));
    EXPECT_EQ(error, "call `hold` of " + address.to_string() + ": Connection timed out");
    service.gates["late"].set();
    co_await until_held(service, 0);
    const std::string text = co_await client.call<std::string>("echo", "in time");
    EXPECT_EQ(text, "in time");
  });
  EXPECT_EQ(lines, std::vector<std::string>());  // late answers are no news
}

TEST(Rpc, LetsACallerLimitOneCall) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    const auto late = co_await within(10ms, client.call<std::string>("hold", "never"));
    EXPECT_EQ(late, std::nullopt);
    const auto prompt = co_await within(10s, client.call<std::string>("echo", "prompt"));
    EXPECT_EQ(prompt, "prompt");
  });
}

// The first caller reads for all; when it gives up, another one must go on reading.
TEST(Rpc, GoesOnReadingWhenTheReaderGivesUp) {
  with_service([](Service& service, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    int impatient_ones = 4;
    const auto impatient = [&](Duration time) -> Task<> {
      const auto text = co_await within(time, client.call<std::string>("hold", "never"));
      EXPECT_EQ(text, std::nullopt);
      --impatient_ones;
    };
    const auto open_then = [&]() -> Task<> {
      while (impatient_ones > 0) co_await sleep_for(1ms);
      service.gates["gate"].set();
    };
    co_await when_all(impatient(5ms), impatient(10ms), impatient(10ms), check_hold(client, "gate"),
                      impatient(15ms), check_hold(client, "gate"), open_then());
  });
}

TEST(Rpc, ReportsWhatTheServerSays) {
  const auto lines = with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    const auto of = [&](std::string_view method) {
      return "call `" + std::string(method) + "` of " + address.to_string() + ": ";
    };
    std::string error = co_await error_of(client.call("nothing"));
    EXPECT_EQ(error, of("nothing") + "unknown_method: there is no method \"nothing\"");
    error = co_await error_of(client.call("sum", 1, "x"));
    EXPECT_EQ(error, of("sum") + "bad_params: parameter 2 of `sum`: expected integer, got string");
    error = co_await error_of(client.call("sum", 1));
    EXPECT_EQ(error, of("sum") + "bad_params: `sum` takes 2 parameters, got 1");
    error = co_await error_of(client.call("move", std::tuple(1)));
    EXPECT_EQ(error, of("move") +
                         "bad_params: parameter 1 of `move`: expected array of at least 2, got 1");
    error = co_await error_of(client.call("spell", "seven"));
    EXPECT_EQ(error, of("spell") + "bad_params: parameters of `spell`: stoi");
    error = co_await error_of(client.call("fail", "rpc"));
    EXPECT_EQ(error, of("fail") + "not_leader: ask 3");
    error = co_await error_of(client.call("fail", "error"));
    EXPECT_EQ(error, of("fail") + "failed: open x: No such file or directory");
    error = co_await error_of(client.call("fail", "bug"));
    EXPECT_EQ(error, of("fail") + "failed: no such key");
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(any_contains(lines, "rpc_method_threw")) << lines[0];
}

TEST(Rpc, GivesTheCodeOfAFaultToPrograms) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    RpcFault fault;
    try {
      co_await client.call("fail", "rpc");
    } catch (const RpcError& error) {
      fault = error.fault();
    }
    EXPECT_EQ(fault, (RpcFault{"not_leader", "ask 3"}));
  });
}

TEST(Rpc, ReportsAResultOfAnotherType) {
  with_service([](Service&, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    const std::string error = co_await error_of(client.call<int>("echo", "text"));
    EXPECT_EQ(error, "call `echo` of " + address.to_string() +
                         " (result: expected integer, got string): Bad message");
  });
}

TEST(Rpc, Notifies) {
  const auto lines = with_service([](Service& service, Address address) -> Task<> {
    RpcClient client = co_await RpcClient::connect(address);
    co_await client.notify("note", "one");
    co_await client.notify("note", 2);     // wrong type
    co_await client.notify("unheard_of");  // no such method
    co_await client.notify("note", "three");
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(service.notes, (std::vector<std::string>{"one", "three"}));
  });
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_TRUE(any_contains(lines, "rpc_notification_failed"));
  EXPECT_TRUE(any_contains(lines, "expected string, got integer"));
  EXPECT_TRUE(any_contains(lines, "unknown_method"));
}

TEST(Rpc, RefusesMessagesThatAreTooLarge) {
  RpcServerOptions server_options;
  server_options.limits.message_bytes_max = 5000;
  with_service(
      [](Service&, Address address) -> Task<> {
        RpcClientOptions options;
        options.limits.message_bytes_max = 4000;
        RpcClient client = co_await RpcClient::connect(address, options);
        const std::string big(5000, 'x');
        std::string error = co_await error_of(client.call("echo", big));
        EXPECT_EQ(error, "call `echo` of " + address.to_string() + ": Message too long");
        error = co_await error_of(client.notify("note", big));
        EXPECT_EQ(error, "call `note` of " + address.to_string() + ": Message too long");
        error = co_await error_of(client.call("zeros", 6000));
        EXPECT_NE(error.find("too_large: "), std::string::npos) << error;
        const int sum = co_await client.call<int>("sum", 1, 2);
        EXPECT_EQ(sum, 3);
      },
      server_options);
}

TEST(Rpc, FailsCallsWhoseConnectionEnds) {
  with_service([](Service&, Address) -> Task<> {
    TcpPair pair = co_await connected_pair();
    RpcClient client(std::move(pair.client));
    const auto hang_up = [&]() -> Task<> {
      std::string requests;
      while (requests.size() < 30) requests += co_await read_once(pair.server);
      co_await pair.server.finish();
    };
    const auto [first, second, third, why, done] =
        co_await when_all(error_of(client.call("a")), error_of(client.call("b")),
                          error_of(client.call("c")), client.closed(), hang_up());
    EXPECT_EQ(why, "the server closed the connection");
    for (const std::string& error : {first, second, third}) {
      EXPECT_NE(error.find("(the server closed the connection)"), std::string::npos) << error;
    }
    EXPECT_FALSE(client.is_open());
    const std::string later = co_await error_of(client.call("d"));
    EXPECT_NE(later.find("(the server closed the connection)"), std::string::npos) << later;
  });
}

TEST(Rpc, SeesTheEndOfAnIdleConnection) {
  with_service([](Service&, Address) -> Task<> {
    TcpPair pair = co_await connected_pair();
    RpcClient client(std::move(pair.client));
    pair.server.reset();
    const std::string why = co_await client.closed();
    EXPECT_NE(why.find("Connection reset by peer"), std::string::npos) << why;
    const std::string again = co_await client.closed();
    EXPECT_EQ(again, why);
  });
}

TEST(Rpc, AnswersAClientThatHasFinishedSending) {
  with_service([](Service& service, Address address) -> Task<> {
    TcpStream stream = co_await TcpStream::connect(address);
    std::vector<std::byte> request;
    Packer out(request);
    pack_request(out, 7, "hold", "answer");
    co_await stream.write(request);
    co_await stream.finish();
    co_await until_held(service, 1);
    service.gates["answer"].set();
    const std::string answer = co_await read_to_end(stream);
    EXPECT_EQ(answer,
              "\x94\x01\x07\xc0\xa6"
              "answer");
  });
}

TEST(Rpc, CancelsCallsInProgressWhenTheServerStops) {
  in_loop([]() -> Task<> {
    Service service;
    const auto stop_meanwhile = [](Service& busy, Address address) -> Task<> {
      RpcClient client = co_await RpcClient::connect(address);
      const auto first = co_await race(client.call("hold", "never"), until_held(busy, 1));
      EXPECT_EQ(first.index, 1U);
      EXPECT_EQ(busy.held, 1);  // it does not know that its caller has given up
    };
    co_await beside_service(service, stop_meanwhile);
    EXPECT_EQ(service.held, 0);
    EXPECT_EQ(service.held_canceled, 1);
  });
}

}  // namespace
}  // namespace coracle::net
