// MessagePack-RPC messages: their exact bytes, and what is said about wrong ones.
#include "net/rpc_message.h"

#include <gtest/gtest.h>

#include "net/rpc_fault.h"
#include "tests/net/bytes_of.h"

namespace coracle::net {
namespace {

template <typename Write>
std::vector<std::byte> written(Write write) {
  std::vector<std::byte> bytes;
  Packer out(bytes);
  write(out);
  return bytes;
}

std::string message_error(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Unpacker in(bytes);
  RpcMessage message;
  if (unpack_message(in, message)) return "";
  return std::to_string(in.failed_at()) + " " + in.error();
}

TEST(RpcMessage, HasTheBytesOfTheSpecification) {
  EXPECT_EQ(written([](Packer& out) { pack_request(out, 7, "sum", 1, 2); }),
            from_hex("94 00 07 a373756d 92 0102"));
  EXPECT_EQ(written([](Packer& out) { pack_request(out, 4294967295, "now"); }),
            from_hex("94 00 ceffffffff a36e6f77 90"));
  EXPECT_EQ(written([](Packer& out) { pack_notification(out, "log", "hi"); }),
            from_hex("93 02 a36c6f67 91 a26869"));
  EXPECT_EQ(written([](Packer& out) { pack_result(out, 7, true); }), from_hex("94 01 07 c0 c3"));
  EXPECT_EQ(written([](Packer& out) { pack_fault(out, 7, "no", "why"); }),
            from_hex("94 01 07 92a26e6fa3776879 c0"));
}

TEST(RpcMessage, ComesBack) {
  const auto request = written([](Packer& out) { pack_request(out, 9, "sum", 1, "x"); });
  Unpacker in(request);
  RpcMessage message;
  ASSERT_TRUE(unpack_message(in, message));
  EXPECT_EQ(message.kind, MessageKind::request);
  EXPECT_EQ(message.id, 9U);
  EXPECT_EQ(message.method, "sum");
  EXPECT_EQ(to_hex(message.params), "9201a178");

  const auto response = written([](Packer& out) { pack_result(out, 9, "x"); });
  Unpacker response_in(response);
  ASSERT_TRUE(unpack_message(response_in, message));
  EXPECT_EQ(message.kind, MessageKind::response);
  EXPECT_EQ(message.method, "");
  EXPECT_EQ(to_hex(message.error), "c0");
  EXPECT_EQ(to_hex(message.result), "a178");

  const auto notification = written([](Packer& out) { pack_notification(out, "log"); });
  Unpacker notification_in(notification);
  ASSERT_TRUE(unpack_message(notification_in, message));
  EXPECT_EQ(message.kind, MessageKind::notification);
  EXPECT_EQ(message.method, "log");
  EXPECT_EQ(to_hex(message.params), "90");
}

TEST(RpcMessage, TakesAnyEncodingOfItsParts) {
  EXPECT_EQ(message_error("dc0004 cc00 cd0007 d90161 dd00000000"), "");
  EXPECT_EQ(message_error("dd00000003 d002 da000161 dc0000"), "");
}

TEST(RpcMessage, RefusesWrongShapes) {
  EXPECT_EQ(message_error("80"), "0 message: expected array, got map");
  EXPECT_EQ(message_error("94 03 01 a161 90"),
            "1 message type: expected integer from 0 to 2, got 3");
  EXPECT_EQ(message_error("94 ff 01 a161 90"),
            "1 message type: expected integer from 0 to 2, got -1");
  EXPECT_EQ(message_error("94 a161 01 a161 90"), "1 message type: expected integer, got string");
  EXPECT_EQ(message_error("94 c2 01 a161 90"), "1 message type: expected integer, got boolean");
  EXPECT_EQ(message_error("93 00 01 a161"), "1 a request has 4 elements, got 3");
  EXPECT_EQ(message_error("95 01 01 c0 01 02"), "1 a response has 4 elements, got 5");
  EXPECT_EQ(message_error("94 02 a161 90 90"), "1 a notification has 3 elements, got 4");
  EXPECT_EQ(message_error("94 00 ff a161 90"),
            "2 message id: expected integer from 0 to 4294967295, got -1");
  EXPECT_EQ(message_error("94 01 cf0000000100000000 c0 01"),
            "2 message id: expected integer from 0 to 4294967295, got 4294967296");
  EXPECT_EQ(message_error("94 00 01 07 90"), "3 method: expected string, got integer");
  EXPECT_EQ(message_error("94 00 01 c40161 90"), "3 method: expected string, got bytes");
  EXPECT_EQ(message_error("94 00 01 a161 80"), "5 parameters: expected array, got map");
  EXPECT_EQ(message_error("93 02 a161 c0"), "4 parameters: expected array, got nil");
}

template <typename... Param>
std::string params_error(std::string_view hex, std::tuple<Param...> values) {
  const auto bytes = from_hex(hex);
  std::string why;
  const auto refs = std::apply([](auto&... value) { return std::tie(value...); }, values);
  return unpack_params(bytes, "vote", refs, why) ? "" : why;
}

TEST(RpcParams, ComeTyped) {
  const auto bytes = from_hex("93 07 a161 c3");
  int number = 0;
  std::string text;
  std::optional<bool> flag;
  std::string why;
  ASSERT_TRUE(unpack_params(bytes, "vote", std::tie(number, text, flag), why)) << why;
  EXPECT_EQ(number, 7);
  EXPECT_EQ(text, "a");
  EXPECT_EQ(flag, true);
  EXPECT_EQ(params_error("90", std::tuple<>()), "");
}

TEST(RpcParams, MayMissOptionalOnesAtTheEnd) {
  EXPECT_EQ(params_error("91 07", std::tuple<int, std::optional<int>>()), "");
  EXPECT_EQ(params_error("90", std::tuple<int, std::optional<int>>()),
            "`vote` takes 1 to 2 parameters, got 0");
  EXPECT_EQ(params_error("91 07", std::tuple<std::optional<int>, int>()),
            "`vote` takes 2 parameters, got 1");
}

TEST(RpcParams, SayWhichIsWrong) {
  EXPECT_EQ(params_error("92 07 a161", std::tuple<int, int>()),
            "parameter 2 of `vote`: expected integer, got string");
  EXPECT_EQ(params_error("91 92 07 a161", std::tuple<std::vector<int>>()),
            "parameter 1 of `vote`: element 2: expected integer, got string");
  EXPECT_EQ(params_error("93 01 02 03", std::tuple<int>()), "`vote` takes 1 parameter, got 3");
  EXPECT_EQ(params_error("91 01", std::tuple<>()), "`vote` takes 0 parameters, got 1");
}

TEST(RpcResult, SaysWhatIsWrong) {
  std::string why;
  int value = 0;
  EXPECT_TRUE(unpack_result(from_hex("07"), "vote", value, why));
  EXPECT_EQ(value, 7);
  EXPECT_FALSE(unpack_result(from_hex("a161"), "vote", value, why));
  EXPECT_EQ(why, "result of `vote`: expected integer, got string");
}

TEST(RpcFault, ReadsWhatDifferentServersSend) {
  const auto ours = written([](Packer& out) { pack_fault(out, 1, kBadParams, "two: no"); });
  Unpacker in(ours);
  RpcMessage message;
  ASSERT_TRUE(unpack_message(in, message));
  EXPECT_EQ(parse_fault(message.error), (RpcFault{"bad_params", "two: no"}));
  EXPECT_EQ(parse_fault(packed("method not found")), (RpcFault{"", "method not found"}));
  EXPECT_EQ(parse_fault(packed(std::pair(-3, "gone"))), (RpcFault{"-3", "gone"}));
  EXPECT_EQ(parse_fault(packed(std::map<std::string, int>{{"errno", 5}})),
            (RpcFault{"", "{\"errno\": 5}"}));
  EXPECT_EQ(parse_fault(from_hex("93a161a162a163")), (RpcFault{"", "[\"a\", \"b\", \"c\"]"}));
}

}  // namespace
}  // namespace coracle::net
