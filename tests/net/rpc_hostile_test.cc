// Peers that break the rules, on purpose or not. None of them hurts another connection.
#include <gtest/gtest.h>

#include "runtime/combinators.h"
#include "runtime/random.h"
#include "tests/net/bytes_of.h"
#include "tests/net/rpc_service.h"

namespace coracle::net {
namespace {

std::string raw(std::string_view hex) {
  const auto bytes = from_hex(hex);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Sends bytes to the service and returns all that it answers until it closes. A bystander's calls
// work before, meanwhile and after.
Task<std::string> provoke(Address address, std::string bytes) {
  RpcClient bystander = co_await RpcClient::connect(address);
  TcpStream hostile = co_await TcpStream::connect(address);
  int sum = co_await bystander.call<int>("sum", 1, 2);
  EXPECT_EQ(sum, 3);
  co_await hostile.write(bytes);
  sum = co_await bystander.call<int>("sum", 3, 4);
  EXPECT_EQ(sum, 7);
  std::string answer;
  try {
    answer = co_await read_to_end(hostile);
  } catch (const Error&) {
    answer = "reset";  // what it had not read of us when it closed
  }
  sum = co_await bystander.call<int>("sum", 5, 6);
  EXPECT_EQ(sum, 11);
  co_return answer;
}

struct Provocation {
  const char* name;
  std::string bytes;
  const char* logged;
};

class RpcServerCloses : public testing::TestWithParam<Provocation> {};

TEST_P(RpcServerCloses, AndSaysWhy) {
  const auto lines = with_service([](Service&, Address address) -> Task<> {
    const std::string answer = co_await provoke(address, GetParam().bytes);
    EXPECT_TRUE(answer.empty() || answer == "reset") << answer;
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(any_contains(lines, "rpc_closed")) << lines[0];
  EXPECT_TRUE(any_contains(lines, GetParam().logged)) << lines[0];
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, RpcServerCloses,
    testing::Values(
        Provocation{"Http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    "byte 0 of the stream: a message is an array of 3 or 4 elements, got integer"},
        Provocation{"NoValue", raw("94 00 01 c1"), "byte 3 of the stream: 0xc1 begins no value"},
        Provocation{"HugeString", raw("94 00 01 db ffffffff"),
                    "byte 3 of the stream: no room for this string of 4294967295 bytes"},
        Provocation{"HugeArray", raw("94 00 01 a161 dd ffffffff"),
                    "byte 5 of the stream: no room for this array of 4294967295 elements"},
        Provocation{"Deep", raw("94 00 01 a161") + std::string(100, '\x91'), "nested deeper"},
        Provocation{"Type", raw("94 05 01 a161 90"), "message type: expected integer from 0 to 2"},
        Provocation{"Id", raw("94 00 ff a161 90"), "message id: expected integer from 0"},
        Provocation{"Method", raw("94 00 01 02 90"), "method: expected string, got integer"},
        Provocation{"Params", raw("94 00 01 a161 80"), "parameters: expected array, got map"}),
    [](const auto& tried) { return std::string(tried.param.name); });

TEST(RpcHostile, CutMessagesEndTheirConnectionOnly) {
  const auto lines = with_service([](Service& service, Address address) -> Task<> {
    std::vector<std::byte> request;
    Packer out(request);
    pack_request(out, 7, "hold", "never");
    const std::size_t whole = request.size();
    pack_request(out, 8, "sum", 1, 2);
    for (std::size_t size = whole + 1; size < request.size(); ++size) {
      TcpStream stream = co_await TcpStream::connect(address);
      co_await stream.write(std::span<const std::byte>(request).first(size));
      co_await stream.finish();
      const std::string answer = co_await read_to_end(stream);
      EXPECT_EQ(answer, "");
    }
    EXPECT_EQ(service.held, 0);
    EXPECT_GT(service.held_canceled, 0);
  });
  EXPECT_TRUE(any_contains(lines, "the stream ended inside a message"));
}

TEST(RpcHostile, AnswersNobodyAskedForAreIgnoredByTheServer) {
  const auto lines = with_service([](Service&, Address address) -> Task<> {
    TcpStream stream = co_await TcpStream::connect(address);
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += raw("94 01 05 c0 01");
    bytes += raw("94 00 09 a373756d 92 01 02");
    co_await stream.write(bytes);
    const std::string answer = co_await read_once(stream);
    EXPECT_EQ(answer, raw("94 01 09 c0 03"));
  });
  EXPECT_EQ(lines.size(), 7U);  // the 1st, 2nd, 4th, ... 64th
  EXPECT_TRUE(any_contains(lines, "rpc_ignored_response"));
}

TEST(RpcHostile, AnswersNobodyAskedForAreIgnoredByTheClient) {
  const auto lines = in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    RpcClient client(std::move(pair.client));
    // An answer to id 9, a notification, a request; then the answer to the first call.
    const std::string bytes = raw("94 01 09 c0 01") + raw("93 02 a161 90") +
                              raw("94 00 05 a161 90") + raw("94 01 00 c0 07");
    const auto answer = [&]() -> Task<> {
      (void)co_await read_once(pair.server);
      co_await pair.server.write(bytes);
    };
    const auto [result, done] = co_await when_all(client.call<int>("a"), answer());
    EXPECT_EQ(result, 7);
    EXPECT_TRUE(client.is_open());
  });
  EXPECT_EQ(lines.size(), 2U);  // the 1st and 2nd of three
  EXPECT_TRUE(any_contains(lines, "rpc_ignored_message"));
}

TEST(RpcHostile, AMalformedAnswerEndsTheClientsConnection) {
  const auto lines = in_loop([]() -> Task<> {
    TcpPair pair = co_await connected_pair();
    RpcClient client(std::move(pair.client));
    const std::string bytes = raw("94 01 00 c0 c1");
    const auto answer = [&]() -> Task<> {
      (void)co_await read_once(pair.server);
      co_await pair.server.write(bytes);
    };
    const auto [first, second, done] =
        co_await when_all(error_of(client.call("a")), error_of(client.call("b")), answer());
    EXPECT_NE(first.find("byte 4 of the stream: 0xc1 begins no value"), std::string::npos) << first;
    EXPECT_NE(second.find("byte 4 of the stream"), std::string::npos) << second;
    EXPECT_FALSE(client.is_open());
  });
  EXPECT_TRUE(any_contains(lines, "rpc_closed"));
}

TEST(RpcHostile, APeerThatNeverReadsIsHeldUpAlone) {
  RpcServerOptions options;
  options.calls_max = 4;
  with_service(
      [](Service& service, Address address) -> Task<> {
        RpcClient bystander = co_await RpcClient::connect(address);
        TcpStream hostile = co_await TcpStream::connect(address);
        hostile.set_linger(Duration::zero());
        std::vector<std::byte> requests;
        Packer out(requests);
        for (std::uint32_t id = 0; id < 4000; ++id) pack_request(out, id, "zeros", 1000000);
        co_await hostile.write(requests);  // it asks for 4 GB
        while (service.zeros < 4) co_await sleep_for(1ms);
        for (int i = 0; i < 100; ++i) {
          const int sum = co_await bystander.call<int>("sum", i, 1);
          EXPECT_EQ(sum, i + 1);
        }
        // Those that fit into the kernel's buffers, and four more: the rest stays unread.
        EXPECT_LT(service.zeros, 50);
      },
      options);
}

TEST(RpcHostile, APeerThatSaysNothingCostsNothing) {
  const auto lines = with_service([](Service&, Address address) -> Task<> {
    TcpStream silent = co_await TcpStream::connect(address);
    RpcClient client = co_await RpcClient::connect(address);
    const int sum = co_await client.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
  });  // and the server still stops at once
  EXPECT_EQ(lines, std::vector<std::string>());
}

TEST(RpcHostile, AResetInTheMiddleEndsItsCallsOnly) {
  with_service([](Service& service, Address address) -> Task<> {
    RpcClient bystander = co_await RpcClient::connect(address);
    TcpStream hostile = co_await TcpStream::connect(address);
    std::vector<std::byte> request;
    Packer out(request);
    pack_request(out, 7, "hold", "never");
    co_await hostile.write(request);
    co_await until_held(service, 1);
    hostile.reset();
    co_await until_held(service, 0);
    EXPECT_EQ(service.held_canceled, 1);
    const int sum = co_await bystander.call<int>("sum", 1, 2);
    EXPECT_EQ(sum, 3);
  });
}

TEST(RpcHostile, RandomBytesHurtNobody) {
  with_service([](Service&, Address address) -> Task<> {
    Random random(5);
    RpcClient bystander = co_await RpcClient::connect(address);
    for (int round = 0; round < 300; ++round) {
      std::string bytes(1 + random.below(200), '\0');
      for (char& c : bytes) c = static_cast<char>(random.next());
      if (random.chance(0.5)) bytes.replace(0, 1, raw("94 00 05"));
      TcpStream hostile = co_await TcpStream::connect(address);
      co_await hostile.write(bytes);
      if (round % 20 == 0) {
        const int sum = co_await bystander.call<int>("sum", round, 1);
        EXPECT_EQ(sum, round + 1);
      }
    }
  });
}

}  // namespace
}  // namespace coracle::net
