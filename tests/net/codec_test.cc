// C++ values to MessagePack and back, and what is said where they do not fit.
#include "net/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "net/describe_value.h"
#include "tests/net/bytes_of.h"

namespace coracle::net {
namespace {

struct Entry {
  std::uint64_t term = 0;
  std::vector<std::byte> data;
  static auto fields(auto& self) { return std::tie(self.term, self.data); }
  friend bool operator==(const Entry&, const Entry&) = default;
};

enum class Color : std::int16_t { red = -1, green = 300 };

struct Everything {
  bool yes = false;
  std::int8_t small = 0;
  std::uint64_t big = 0;
  double real = 0;
  std::string text;
  std::vector<Entry> entries;
  std::map<std::string, std::optional<std::int32_t>> numbers;
  std::pair<Color, std::tuple<std::string, bool>> nested;
  std::array<std::byte, 4> tag{};
  std::vector<bool> flags;
  static auto fields(auto& self) {
    return std::tie(self.yes, self.small, self.big, self.real, self.text, self.entries,
                    self.numbers, self.nested, self.tag, self.flags);
  }
  friend bool operator==(const Everything&, const Everything&) = default;
};

// Values of every width of MessagePack's integers, not only the large ones of a uniform choice.
template <typename T>
rc::Gen<T> any_width() {
  return rc::gen::map(rc::gen::pair(rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange(0, 64)),
                      [](const auto& pair) { return static_cast<T>(pair.first >> pair.second); });
}

rc::Gen<std::vector<std::byte>> any_bytes() {
  return rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  });
}

template <typename T>
void expect_round_trip(const T& value) {
  T back{};
  RC_ASSERT(unpacking_error(packed(value), back) == "");
  RC_ASSERT(back == value);
}

RC_GTEST_PROP(Codec, IntegersComeBack, ()) {
  expect_round_trip(*any_width<std::int64_t>());
  expect_round_trip(*any_width<std::uint64_t>());
  expect_round_trip(*any_width<std::int32_t>());
  expect_round_trip(*any_width<std::uint16_t>());
  expect_round_trip(*any_width<std::int8_t>());
}

RC_GTEST_PROP(Codec, RealsComeBackBitForBit, ()) {
  const auto bits = *rc::gen::arbitrary<std::uint64_t>();
  const auto value = std::bit_cast<double>(bits);
  RC_PRE(!std::isnan(value));
  double back = 0;
  RC_ASSERT(unpacking_error(packed(value), back) == "");
  RC_ASSERT(std::bit_cast<std::uint64_t>(back) == bits);
}

RC_GTEST_PROP(Codec, StructsComeBack, ()) {
  Everything value;
  value.yes = *rc::gen::arbitrary<bool>();
  value.small = *rc::gen::arbitrary<std::int8_t>();
  value.big = *any_width<std::uint64_t>();
  value.real = *rc::gen::arbitrary<double>();
  value.text = *rc::gen::arbitrary<std::string>();
  const auto terms = *rc::gen::container<std::vector<std::uint64_t>>(any_width<std::uint64_t>());
  for (const std::uint64_t term : terms) value.entries.push_back({term, *any_bytes()});
  value.numbers["none"] = std::nullopt;
  value.numbers[value.text] = *rc::gen::arbitrary<std::int32_t>();
  value.nested = {Color::green, {value.text, true}};
  value.tag[2] = std::byte{7};
  value.flags = *rc::gen::arbitrary<std::vector<bool>>();
  expect_round_trip(value);
}

TEST(Codec, KeepsTheTypeOfAFloatWithoutFraction) {
  EXPECT_EQ(to_hex(packed(1.0)), "cb3ff0000000000000");
  EXPECT_EQ(to_hex(packed(1.5F)), "ca3fc00000");
  EXPECT_EQ(to_hex(packed(-0.0)), "cb8000000000000000");
  EXPECT_EQ(to_hex(packed(18446744073709551616.0)), "cb43f0000000000000");
}

TEST(Codec, TakesIntegersForReals) {
  double value = 0;
  EXPECT_EQ(unpacking_error(from_hex("07"), value), "");
  EXPECT_EQ(value, 7.0);
  EXPECT_EQ(unpacking_error(from_hex("ff"), value), "");
  EXPECT_EQ(value, -1.0);
}

TEST(Codec, TakesAnyEncodingOfAnInteger) {
  for (const char* seven : {"07", "cc07", "cd0007", "ce00000007", "cf0000000000000007", "d007",
                            "d10007", "d200000007", "d30000000000000007"}) {
    std::uint8_t value = 0;
    EXPECT_EQ(unpacking_error(from_hex(seven), value), "") << seven;
    EXPECT_EQ(value, 7) << seven;
  }
  for (const char* minus_two : {"fe", "d0fe", "d1fffe", "d2fffffffe", "d3fffffffffffffffe"}) {
    std::int8_t value = 0;
    EXPECT_EQ(unpacking_error(from_hex(minus_two), value), "") << minus_two;
    EXPECT_EQ(value, -2) << minus_two;
  }
}

TEST(Codec, RefusesIntegersOutOfRange) {
  EXPECT_EQ(unpacking_error<std::uint8_t>(packed(256)), "expected integer from 0 to 255, got 256");
  EXPECT_EQ(unpacking_error<std::uint32_t>(packed(-1)),
            "expected integer from 0 to 4294967295, got -1");
  EXPECT_EQ(unpacking_error<std::int8_t>(packed(-129)),
            "expected integer from -128 to 127, got -129");
  EXPECT_EQ(unpacking_error<std::int64_t>(packed(std::numeric_limits<std::uint64_t>::max())),
            "expected integer from -9223372036854775808 to 9223372036854775807, "
            "got 18446744073709551615");
}

TEST(Codec, SaysWhichTypeItExpectedAndGot) {
  EXPECT_EQ(unpacking_error<int>(packed("seven")), "expected integer, got string");
  EXPECT_EQ(unpacking_error<bool>(packed(1)), "expected boolean, got integer");
  EXPECT_EQ(unpacking_error<std::string>(from_hex("c40161")), "expected string, got bytes");
  EXPECT_EQ(unpacking_error<double>(packed(true)), "expected float, got boolean");
  EXPECT_EQ(unpacking_error<std::vector<std::byte>>(from_hex("90")), "expected bytes, got array");
  EXPECT_EQ(unpacking_error<std::vector<int>>(from_hex("80")), "expected array, got map");
  EXPECT_EQ((unpacking_error<std::map<int, int>>(from_hex("d40100"))),
            "expected map, got extension");
  EXPECT_EQ(unpacking_error<int>(from_hex("ca00000000")), "expected integer, got float");
  EXPECT_EQ(unpacking_error<int>(from_hex("c0")), "expected integer, got nil");
}

TEST(Codec, SaysWhereInsideAValue) {
  const std::vector<std::tuple<int, std::string>> value{{1, "a"}, {2, "b"}};
  EXPECT_EQ((unpacking_error<std::vector<std::tuple<int, int>>>(packed(value))),
            "element 1: field 2: expected integer, got string");
  EXPECT_EQ((unpacking_error<std::map<std::string, int>>(from_hex("81a16bc3"))),
            "value 1: expected integer, got boolean");
  EXPECT_EQ((unpacking_error<std::map<std::string, int>>(from_hex("820102"))),
            "key 1: expected string, got integer");
  EXPECT_EQ((unpacking_error<std::map<int, int>>(from_hex("8201020103"))), "key 2 comes twice");
  EXPECT_EQ((unpacking_error<std::array<int, 2>>(from_hex("9101"))), "expected array of 2, got 1");
  EXPECT_EQ((unpacking_error<std::array<std::byte, 4>>(from_hex("c4020102"))),
            "expected 4 bytes, got 2");
}

struct OldForm {
  int first = 0;
  static auto fields(auto& self) { return std::tie(self.first); }
};
struct NewForm {
  int first = 0;
  std::optional<std::string> second = "left over";
  static auto fields(auto& self) { return std::tie(self.first, self.second); }
};

TEST(Codec, LetsStructsGrowAtTheirEnd) {
  OldForm old_form;
  EXPECT_EQ(unpacking_error(packed(NewForm{.first = 5, .second = "x"}), old_form), "");
  EXPECT_EQ(old_form.first, 5);
  NewForm new_form;
  EXPECT_EQ(unpacking_error(packed(OldForm{.first = 6}), new_form), "");
  EXPECT_EQ(new_form.first, 6);
  EXPECT_EQ(new_form.second, std::nullopt);
  EXPECT_EQ(unpacking_error<NewForm>(from_hex("90")), "expected array of at least 1, got 0");
}

TEST(Codec, TakesStringsForBytes) {
  std::vector<std::byte> bytes;
  EXPECT_EQ(unpacking_error(packed("ab"), bytes), "");
  EXPECT_EQ(to_hex(bytes), "6162");
}

TEST(Codec, HandsAnyValueOnAsItIs) {
  const auto bytes = from_hex("82 a161 93 01 c0 c403000102 02 d501ffff");
  Packed value;
  EXPECT_EQ(unpacking_error(bytes, value), "");
  EXPECT_EQ(value.bytes, bytes);
  EXPECT_EQ(packed(value), bytes);
  EXPECT_EQ(to_hex(packed(Packed{})), "c0");
}

TEST(Codec, ReadsNothingBeyondTheEnd) {
  Everything value;
  value.text = "text";
  value.entries.push_back({1, from_hex("0102")});
  value.flags = {true};
  const auto bytes = packed(value);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> part(bytes.begin(), bytes.begin() + std::ptrdiff_t(size));
    EXPECT_NE(unpacking_error<Everything>(part), "") << size;
    Unpacker skipping(part);
    EXPECT_FALSE(skipping.skip()) << size;
  }
}

TEST(Codec, RefusesADeclaredLengthWithoutPayingForIt) {
  EXPECT_EQ(unpacking_error<std::string>(from_hex("dbffffffff61")), "the last value is cut off");
  EXPECT_EQ(unpacking_error<std::vector<std::string>>(from_hex("ddffffffff")),
            "element 1: expected a value, got nothing");
  const auto bytes = from_hex("ddffffffff ddffffffff dfffffffff");
  Unpacker nested(bytes);
  EXPECT_FALSE(nested.skip());
}

TEST(Codec, StaysFailed) {
  const auto bytes = from_hex("01 02");
  Unpacker in(bytes);
  std::string_view text;
  std::int64_t number = 0;
  EXPECT_FALSE(in.string(text));
  EXPECT_FALSE(in.integer(number, 0, 10));
  EXPECT_FALSE(in.skip());
  EXPECT_FALSE(in.take_nil());
  EXPECT_EQ(in.error(), "expected string, got integer");
}

TEST(DescribeValue, ReadsLikeJson) {
  const auto value = from_hex("95 c0 c3 ff a3610a22 82 01 cb3ff8000000000000 a0 c4020102");
  EXPECT_EQ(describe_value(from_hex("c0")), "nil");
  EXPECT_EQ(describe_value(value), "[nil, true, -1, \"a\\x0a\\\"\", {1: 1.5, \"\": <2 bytes>}]");
  EXPECT_EQ(describe_value(from_hex("93 d40100 90 80")), "[<extension of 1 byte>, [], {}]");
}

TEST(DescribeValue, IsBounded) {
  EXPECT_EQ(describe_value(std::vector(1000000, std::byte{0x91}), 8), "[[[[[[[[...");
  EXPECT_EQ(describe_value(packed(std::string(1000, 'x')), 5), "\"xxxx...");
  EXPECT_EQ(describe_value(from_hex("92 01")), "[1, ?]");
  EXPECT_EQ(describe_value(from_hex("a5 61")), "?");
  EXPECT_EQ(describe_value({}), "?");
}

}  // namespace
}  // namespace coracle::net
