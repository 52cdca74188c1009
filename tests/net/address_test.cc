// Addresses: what is read, what is printed, and how they compare.
#include "net/address.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/error.h"

namespace coracle::net {
namespace {

// What parse() makes of `text`, printed again; "nothing" if it refuses.
std::string reprinted(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->to_string() : "nothing";
}

TEST(Address, ReadsAndPrintsIpv4) {
  const auto address = Address::parse("10.0.0.7:7101");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), Address::Family::ipv4);
  EXPECT_EQ(address->port(), 7101);
  EXPECT_EQ(address->bytes()[0], std::byte{10});
  EXPECT_EQ(address->bytes()[3], std::byte{7});
  EXPECT_EQ(address->bytes()[4], std::byte{0});
  EXPECT_EQ(address->to_string(), "10.0.0.7:7101");
}

TEST(Address, ReadsAndPrintsIpv6) {
  const auto address = Address::parse("[2001:db8::1:0:7]:443");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), Address::Family::ipv6);
  EXPECT_EQ(address->port(), 443);
  EXPECT_EQ(address->scope(), 0U);
  EXPECT_EQ(address->bytes()[0], std::byte{0x20});
  EXPECT_EQ(address->bytes()[15], std::byte{7});
  EXPECT_EQ(address->to_string(), "[2001:db8::1:0:7]:443");
}

TEST(Address, PrintsTheShortForm) {
  EXPECT_EQ(reprinted("[0:0:0:0:0:0:0:1]:1"), "[::1]:1");
  EXPECT_EQ(reprinted("[::]:0"), "[::]:0");
  EXPECT_EQ(reprinted("[2001:DB8:0:0:1:0:0:0]:1"), "[2001:db8:0:0:1::]:1");
  EXPECT_EQ(reprinted("[::ffff:1.2.3.4]:1"), "[::ffff:1.2.3.4]:1");
}

TEST(Address, KeepsTheScopeOfALinkLocalAddress) {
  const auto address = Address::parse("[fe80::1%3]:80");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->scope(), 3U);
  EXPECT_EQ(address->to_string(), "[fe80::1%3]:80");
  EXPECT_NE(*address, *Address::parse("[fe80::1%4]:80"));
  EXPECT_EQ(reprinted("[fe80::1%4294967295]:80"), "[fe80::1%4294967295]:80");
}

TEST(Address, ReadsPortsFromEndToEnd) {
  EXPECT_EQ(reprinted("1.2.3.4:0"), "1.2.3.4:0");
  EXPECT_EQ(reprinted("1.2.3.4:65535"), "1.2.3.4:65535");
  EXPECT_EQ(reprinted("1.2.3.4:65536"), "nothing");
}

TEST(Address, RefusesWhatIsNotExactlyAnAddress) {
  const char* const malformed[] = {
      "",
      ":",
      ":80",
      "1.2.3.4",
      "1.2.3.4:",
      "1.2.3.4:+80",
      "1.2.3.4:-1",
      "1.2.3.4: 80",
      "1.2.3.4:80 ",
      " 1.2.3.4:80",
      "1.2.3.4:080",
      "1.2.3.4:0x50",
      "1.2.3.4:99999999999999999999",
      "1.2.3:80",
      "1.2.3.4.5:80",
      "1.2.3.256:80",
      "1.2.3.04:80",
      "1.2.3.4:80:80",
      "[1.2.3.4]:80",
      "localhost:80",
      "::1:80",
      "::1",
      "[::1]",
      "[::1]80",
      "[::1:80",
      "::1]:80",
      "[]:80",
      "[[::1]]:80",
      "[:::1]:80",
      "[1::2::3]:80",
      "[1:2:3:4:5:6:7:8:9]:80",
      "[12345::]:80",
      "[fe80::1%]:80",
      "[fe80::1%0]:80",
      "[fe80::1%-1]:80",
      "[fe80::1%eth0]:80",
      "[fe80::1%1%2]:80",
      "[fe80::1%4294967296]:80",
      "1.2.3.4%1:80",
  };
  for (const char* text : malformed) EXPECT_EQ(reprinted(text), "nothing") << '"' << text << '"';
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0:80", 11)));
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4:80\0", 11)));
  EXPECT_FALSE(Address::parse(std::string(10'000, '1') + ":80"));
}

TEST(Address, ReadsAHostWithoutAPort) {
  EXPECT_EQ(Address::parse_host("1.2.3.4", 5)->to_string(), "1.2.3.4:5");
  EXPECT_EQ(Address::parse_host("::1", 5)->to_string(), "[::1]:5");
  EXPECT_EQ(Address::parse_host("fe80::1%7", 5)->to_string(), "[fe80::1%7]:5");
  EXPECT_FALSE(Address::parse_host("[::1]", 5));
  EXPECT_FALSE(Address::parse_host("localhost", 5));
  EXPECT_FALSE(Address::parse_host("", 5));
}

TEST(Address, FromShowsTheTextThatItRefuses) {
  EXPECT_EQ(Address::from("127.0.0.1:7000"), Address::loopback(7000));
  try {
    static_cast<void>(Address::from("somewhere"));
    FAIL() << "refuses";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    EXPECT_STREQ(error.what(), "parse address somewhere: Invalid argument");
  }
}

TEST(Address, ComparesFamilyThenBytesThenPortThenScope) {
  std::vector<Address> addresses = {
      Address::from("[fe80::1%2]:1"), Address::from("[fe80::1%1]:1"), Address::from("[::1]:9"),
      Address::from("10.0.0.1:80"),   Address::from("9.9.9.9:81"),    Address::from("9.9.9.9:80"),
  };
  std::sort(addresses.begin(), addresses.end());
  std::string order;
  for (const Address& address : addresses) order += address.to_string() + " ";
  EXPECT_EQ(order, "9.9.9.9:80 9.9.9.9:81 10.0.0.1:80 [::1]:9 [fe80::1%1]:1 [fe80::1%2]:1 ");
  EXPECT_EQ(Address(), Address::from("0.0.0.0:0"));
  EXPECT_EQ(Address::loopback(7).with_port(8), Address::loopback(8));
  EXPECT_LT(Address::loopback(7), Address::loopback(8));
}

}  // namespace
}  // namespace coracle::net
