// Calls over datagrams on the real back end. What a bad network does to them: sim/rpc_udp_test.cc.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "net/udp.h"
#include "runtime/random.h"
#include "tests/net/bytes_of.h"
#include "tests/net/rpc_service.h"
#include "tests/runtime/sweep.h"

namespace coracle::net {
namespace {

template <class Body>
Task<> beside_datagram_service(Service& service, Body& body) {
  UdpSocket socket = UdpSocket::bind(Address::loopback(0));
  const Address address = socket.local_address();
  const auto serve_socket = [&]() { return service.server.serve_datagrams(std::move(socket)); };
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("server", serve_socket);
    co_await body(service, address);
    group.cancel();
  });
}

template <class Body>
std::vector<std::string> with_datagram_service(Body body, const RpcServerOptions& options = {}) {
  return in_loop([&]() -> Task<> {
    Service service(options);
    co_await beside_datagram_service(service, body);
  });
}

RpcClient client_of(const Address& address, const RpcClientOptions& options = {}) {
  return RpcClient(UdpSocket::connect(address), options);
}

TEST(RpcOverUdp, CallsMethods) {
  const auto lines = with_datagram_service([](Service& service, Address address) -> Task<> {
    RpcClient client = client_of(address);
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
    const auto text = co_await client.call_idempotent<std::string>("echo", "again");
    EXPECT_EQ(text, "again");
    Point point{1, "p"};
    const Point moved = co_await client.call<Point>("move", point);
    EXPECT_EQ(moved, (Point{2, "p"}));
    co_await client.notify("note", "told");
    while (service.notes.empty()) co_await sleep_for(1ms);
    EXPECT_EQ(service.notes.front(), "told");
    EXPECT_TRUE(client.is_open());
    EXPECT_EQ(client.peer_name(), address.to_string());
  });
  EXPECT_EQ(lines, std::vector<std::string>());
}

TEST(RpcOverUdp, TellsAMethodWhoCallsAndWhenThatIsOver) {
  with_datagram_service([](Service& service, Address address) -> Task<> {
    UdpSocket socket = UdpSocket::connect(address);
    const std::string name = socket.local_address().to_string();
    RpcClient client(std::move(socket));
    auto text = co_await client.call<std::string>("who", "I am");
    EXPECT_EQ(text, "I am 1 " + name);
    co_await client.call("leave", "one");
    EXPECT_EQ(service.notes, std::vector<std::string>{"end of one"});
    text = co_await client.call<std::string>("who", "I am");
    EXPECT_EQ(text, "I am 3 " + name) << "each call is a caller of its own";
  });
}

TEST(RpcOverUdp, ReportsWhatTheServerSays) {
  with_datagram_service([](Service&, Address address) -> Task<> {
    RpcClient client = client_of(address);
    const std::string of = "` of " + address.to_string() + ": ";
    std::string error = co_await error_of(client.call("fail", "rpc"));
    EXPECT_EQ(error, "call `fail" + of + "not_leader: ask 3");
    error = co_await error_of(client.call("nothing"));
    EXPECT_EQ(error, "call `nothing" + of + "unknown_method: there is no method \"nothing\"");
    error = co_await error_of(client.call("sum", "x", 1));
    EXPECT_NE(error.find("bad_params: parameter 1 of `sum`"), error.npos) << error;
    error = co_await error_of(client.call("spell", "seven"));
    EXPECT_EQ(error, "call `spell" + of + "bad_params: parameters of `spell`: stoi");
    error = co_await error_of(client.call("zeros", 70'000));
    EXPECT_NE(error.find("too_large: a result of 70013 bytes"), error.npos) << error;
    error = co_await error_of(client.call("echo", std::string(70'000, 'x')));
    EXPECT_EQ(error, "call `echo" + of + "Message too long");
    const auto most = co_await client.call<std::string>("echo", std::string(65'000, 'x'));
    EXPECT_EQ(most.size(), 65'000U);
  });
}

TEST(RpcOverUdp, AnswersConcurrentCallsInTheOrderInWhichTheyEnd) {
  with_datagram_service([](Service& service, Address address) -> Task<> {
    RpcClient client = client_of(address);
    std::vector<std::string> ended;
    const auto hold = [&](std::string gate) -> Task<> {
      ended.push_back(co_await client.call<std::string>("hold", gate));
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("a", hold, "a");
      group.spawn("b", hold, "b");
      co_await until_held(service, 2);
      service.gates["b"].set();
      co_await until_held(service, 1);
      service.gates["a"].set();
    });
    EXPECT_EQ(ended, (std::vector<std::string>{"b", "a"}));
  });
}

TEST(RpcOverUdp, KeepsTheServersLimitOfCallsInProgress) {
  const RpcServerOptions options{.calls_max = 3};
  with_datagram_service(
      [](Service& service, Address address) -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
          const auto hold = [&]() -> Task<> {
            RpcClient client = client_of(address);
            co_await client.call<std::string>("hold", "gate");
          };
          for (int i = 0; i < 10; ++i) group.spawn("caller", hold);
          co_await until_held(service, 3);
          co_await sleep_for(5ms);
          service.gates["gate"].set();
        });
        EXPECT_EQ(service.held_most, 3);
      },
      options);
}

TEST(RpcOverUdp, FailsACallAtOnceWhenNobodyListens) {
  in_loop([]() -> Task<> {
    Address address;
    {
      const UdpSocket gone = UdpSocket::bind(Address::loopback(0));
      address = gone.local_address();
    }
    RpcClient client = client_of(address);
    const std::string error = co_await error_of(client.call("sum", 1, 2));
    EXPECT_EQ(error, "call `sum` of " + address.to_string() + ": Connection refused");
    EXPECT_TRUE(client.is_open());
  });
}

TEST(RpcOverUdp, CancelsCallsInProgressWhenTheServerStops) {
  in_loop([]() -> Task<> {
    Service service;
    const auto body = [](Service& holding, Address address) -> Task<> {
      RpcClient client = client_of(address);
      const auto late = co_await within(5ms, client.call<std::string>("hold", "never"));
      EXPECT_EQ(late, std::nullopt);
      EXPECT_EQ(holding.held, 1);
    };
    co_await beside_datagram_service(service, body);
    EXPECT_EQ(service.held_canceled, 1);
  });
}

// --- misuse --------------------------------------------------------------------------------------

TEST(RpcOverUdpDeathTest, AClientOutlivesItsCalls) {
  const auto destroy_in_use = []() -> Task<> {
    UdpSocket nobody = UdpSocket::bind(Address::loopback(0));
    auto client = std::make_unique<RpcClient>(UdpSocket::connect(nobody.local_address()));
    const auto call = [&]() -> Task<> { co_await client->call("sum", 1, 2); };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 3; ++i) group.spawn("call", call);
      co_await sleep_for(1ms);
      client = nullptr;
    });
  };
  EXPECT_DEATH(in_loop(destroy_in_use), "destroyed while");
}

TEST(RpcOverUdp, ACallMayBeRepeatedNever) {
  with_datagram_service([](Service&, Address address) -> Task<> {
    RpcClient client = client_of(address, {.repeat_after = Duration::max()});
    const int sum = co_await client.call_idempotent<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
  });
}

// --- bad input ---------------------------------------------------------------------------------

struct Datagram {
  const char* name;
  std::string_view hex;
  const char* logged;
};

class RpcOverUdpDrops : public testing::TestWithParam<Datagram> {};

TEST_P(RpcOverUdpDrops, AndSaysWhy) {
  const auto lines = with_datagram_service([](Service&, Address address) -> Task<> {
    UdpSocket stranger = UdpSocket::connect(address);
    for (int i = 0; i < 5; ++i) co_await stranger.send(from_hex(GetParam().hex));
    RpcClient client = client_of(address);
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
    std::array<std::byte, 100> buffer;
    const auto answer = co_await within(1ms, stranger.receive(buffer));
    EXPECT_FALSE(answer) << "it may have anybody's address: no answer";
  });
  ASSERT_EQ(lines.size(), 3U) << "the 1st, the 2nd and the 4th";
  EXPECT_TRUE(any_contains(lines, "rpc_dropped_datagram peer=127.0.0.1:")) << lines[0];
  EXPECT_TRUE(any_contains(lines, GetParam().logged)) << lines[0];
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, RpcOverUdpDrops,
    testing::Values(
        Datagram{"Empty", "", "byte 0 of the datagram: it ends inside a message"},
        Datagram{"Text", "47455420", "byte 0 of the datagram: a message is an array"},
        Datagram{"Truncated", "940001a373", "byte 5 of the datagram: it ends inside a message"},
        Datagram{"TwoMessages",
                 "9302a16190"
                 "9302a16190",
                 "byte 5 of the datagram: a datagram holds one message, and nothing behind it"},
        Datagram{"NoSuchKind", "9307a16190", "byte 1 of the datagram: "},
        Datagram{"HugeLength", "940001dbffffffff", "byte 3 of the datagram: "},
        Datagram{"Answer", "940101c0c0", "an answer that nobody has asked for"}),
    [](const auto& test) { return test.param.name; });

// Well-formed, but nothing that the service has.
TEST(RpcOverUdp, AFloodOfWrongNotificationsIsNoFloodOfLines) {
  const auto lines = with_datagram_service([](Service&, Address address) -> Task<> {
    RpcClient client = client_of(address);
    for (int i = 0; i < 100; ++i) {
      co_await client.notify("nothing");
      if (i % 10 == 9) co_await client.call<int>("sum", 1, 2);  // lets it keep up
    }
  });
  EXPECT_EQ(lines.size(), 7U) << "1, 2, 4, ... 64";
  EXPECT_TRUE(any_contains(lines, "rpc_notification_failed")) << lines.at(0);
}

TEST(RpcOverUdp, SurvivesRandomDatagrams) {
  with_datagram_service([](Service&, Address address) -> Task<> {
    UdpSocket stranger = UdpSocket::connect(address);
    RpcClient client = client_of(address);
    for (int i = 0; i < 1000; ++i) {
      std::array<std::byte, 40> noise;
      for (std::byte& byte : noise) byte = static_cast<std::byte>(random().below(256));
      // Half of them begin as calls do.
      if (random().chance(0.5)) noise[0] = std::byte{0x94};
      co_await stranger.send(std::span(noise).first(random().below(noise.size())));
      if (i % 100 != 99) continue;
      const int sum = co_await client.call_idempotent<int>("sum", i, 2);
      EXPECT_EQ(sum, i + 2);
    }
  });
}

// What its peer sends is dropped as well, and a stranger is not even heard.
TEST(RpcOverUdp, AClientWaitsForTheRightAnswer) {
  const auto lines = in_loop([]() -> Task<> {
    UdpSocket server = UdpSocket::bind(Address::loopback(0));
    UdpSocket stranger = UdpSocket::bind(Address::loopback(0));
    RpcClient client = client_of(server.local_address());
    const auto answer_badly = [&]() -> Task<> {
      std::array<std::byte, 100> question;
      const ReceivedDatagram received = co_await server.receive(question);
      Unpacker in(std::span<const std::byte>(question).first(received.bytes));
      RpcMessage call;
      EXPECT_TRUE(unpack_message(in, call));
      std::vector<std::byte> wrong;
      Packer wrong_out(wrong);
      pack_result(wrong_out, call.id, 666);
      co_await stranger.send(wrong, received.from);
      wrong.clear();
      pack_result(wrong_out, call.id + 1, 666);
      co_await server.send(wrong, received.from);
      co_await server.send("nonsense", received.from);
      std::vector<std::byte> right;
      Packer right_out(right);
      pack_result(right_out, call.id, 3);
      co_await server.send(right, received.from);
      co_await server.send(right, received.from);  // twice
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("server", answer_badly);
      const int sum = co_await client.call<int>("sum", 1, 2);
      EXPECT_EQ(sum, 3);
    });
  });
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_TRUE(any_contains(lines, "rpc_ignored_message"));
  EXPECT_TRUE(any_contains(lines, "byte 0 of the datagram: a message is an array"));
}

// So that an answer to one who had the same port before is not taken for one's own.
TEST(RpcOverUdp, EachClientBeginsWithAnotherId) {
  in_loop([]() -> Task<> {
    UdpSocket server = UdpSocket::bind(Address::loopback(0));
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < 3; ++i) {
      RpcClient client = client_of(server.local_address(), {.call_timeout = 1us});
      static_cast<void>(co_await error_of(client.call("sum")));
      std::array<std::byte, 100> question;
      const ReceivedDatagram received = co_await server.receive(question);
      Unpacker in(std::span<const std::byte>(question).first(received.bytes));
      RpcMessage call;
      EXPECT_TRUE(unpack_message(in, call));
      ids.push_back(call.id);
    }
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_NE(ids[1], ids[2]);
  });
}

// --- sweeps --------------------------------------------------------------------------------------

Task<> two_callers(Service& /*service*/, Address address) {
  RpcClient client = client_of(address, {.repeat_after = 1ms});
  const auto steady = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const int sum = co_await client.call_idempotent<int>("sum", i, i);
      EXPECT_EQ(sum, 2 * i);
    }
    co_await client.notify("note", "done");
  };
  const auto impatient = [&]() -> Task<> {
    const auto text = co_await within(3ms, client.call_idempotent<std::string>("hold", "never"));
    EXPECT_EQ(text, std::nullopt);
  };
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("impatient", impatient);
    group.spawn("steady", steady);
    co_return;
  });
}

Task<> scenario() {
  Service service;
  auto body = &two_callers;
  co_await beside_datagram_service(service, body);
}

TEST(RpcOverUdpSweep, CanBeCanceledAnywhere) { sweep::cancel_everywhere(scenario); }

TEST(RpcOverUdpSweep, CanCrashAnywhere) { sweep::crash_everywhere(scenario); }

}  // namespace
}  // namespace coracle::net
