// Our values against two other implementations of MessagePack: msgpack-cxx and Python's.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <msgpack.hpp>

#include "net/message_limits.h"
#include "net/rpc_message.h"
#include "net/value_scanner.h"
#include "runtime/random.h"
#include "tests/net/bytes_of.h"

namespace coracle::net {
namespace {

using Bytes = std::vector<std::byte>;

// What msgpack-cxx makes of some bytes.
struct Verdict : msgpack::null_visitor {
  bool cut = false;
  bool wrong = false;
  void insufficient_bytes(std::size_t, std::size_t) { cut = true; }
  void parse_error(std::size_t, std::size_t) { wrong = true; }
};

std::string verdict_of_msgpack(const Bytes& bytes) {
  Verdict verdict;
  std::size_t size = 0;
  const auto* data = reinterpret_cast<const char*>(bytes.data());
  if (msgpack::parse(data, bytes.size(), size, verdict)) return "whole " + std::to_string(size);
  return verdict.wrong ? "refused" : "cut";
}

std::string verdict_of_scanner(const Bytes& bytes) {
  ValueScanner scanner({.message_bytes_max = std::size_t{1} << 60U, .nesting_max = 1000});
  switch (scanner.scan(bytes)) {
    case ValueScanner::Status::whole: return "whole " + std::to_string(scanner.size());
    case ValueScanner::Status::cut: return "cut";
    case ValueScanner::Status::refused: return "refused";
  }
  return "";
}

TEST(ValueScanner, AgreesWithMsgpackCxxOnRandomBytes) {
  Random random(3);
  int whole = 0;
  for (int round = 0; round < 200000; ++round) {
    Bytes bytes(1 + random.below(24));
    for (std::byte& byte : bytes) {
      // Small containers and short lengths, or hardly anything would ever be whole.
      const std::uint64_t range = random.chance(0.5) ? 4 : 256;
      byte = static_cast<std::byte>(random.below(range));
      if (random.chance(0.3)) byte = static_cast<std::byte>(0xc0 + random.below(32));
    }
    const std::string expected = verdict_of_msgpack(bytes);
    ASSERT_EQ(verdict_of_scanner(bytes), expected) << to_hex(bytes);
    whole += expected.starts_with("whole") ? 1 : 0;
  }
  EXPECT_GT(whole, 10000);
}

// Runs Python with Debian's msgpack on `program`.
std::string python(const std::string& program) {
  const std::string command = "/usr/bin/python3 -c '" + program + "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             &::pclose);
  std::string output;
  std::array<char, 4096> part;
  while (pipe && std::fgets(part.data(), part.size(), pipe.get()) != nullptr) {
    output += part.data();
  }
  return output;
}

struct Sample {
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<std::string> strings;
  std::vector<Bytes> bytes;
  std::map<std::string, std::optional<bool>> flags;
  std::vector<std::int32_t> long_array;
  static auto fields(auto& self) {
    return std::tie(self.integers, self.reals, self.strings, self.bytes, self.flags,
                    self.long_array);
  }
};

Sample sample() {
  Sample value;
  for (unsigned bits = 0; bits < 63; ++bits) {
    const std::int64_t power = std::int64_t{1} << bits;
    for (const std::int64_t near : {power - 1, power, -power, -power - 1}) {
      value.integers.push_back(near);
    }
  }
  value.reals = {0.0, -0.0, 1.0, -2.5, 1e300, 5e-324};
  for (const std::size_t size : {0U, 1U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
    value.strings.emplace_back(size, 'x');
    value.bytes.emplace_back(size, std::byte{1});
  }
  value.flags = {{"no", false}, {"none", std::nullopt}, {"yes", true}};
  value.long_array.assign(70000, 7);
  return value;
}

TEST(MsgpackInterop, PythonPacksTheSameBytes) {
  const std::string theirs = python(R"(
import msgpack
near = lambda p: [p - 1, p, -p, -p - 1]
sizes = [0, 1, 31, 32, 255, 256, 65535, 65536]
print(msgpack.packb([
    [n for bits in range(63) for n in near(1 << bits)],
    [0.0, -0.0, 1.0, -2.5, 1e300, 5e-324],
    ["x" * size for size in sizes],
    [b"\1" * size for size in sizes],
    {"no": False, "none": None, "yes": True},
    [7] * 70000]).hex()))");
  ASSERT_GT(theirs.size(), 1000U) << "python3-msgpack is needed";
  EXPECT_EQ(to_hex(packed(sample())) + "\n", theirs);
  Sample back;
  EXPECT_EQ(unpacking_error(from_hex(theirs.substr(0, theirs.size() - 1)), back), "");
  EXPECT_EQ(packed(back), packed(sample()));
}

TEST(MsgpackInterop, PythonReadsOurMessages) {
  Bytes bytes;
  Packer out(bytes);
  pack_request(out, 4294967295, "vote", 7, "x", from_hex("00ff"), 1.5F, std::optional<int>());
  pack_notification(out, "note", std::pair(true, std::vector<int>{1, -1}));
  pack_result(out, 2, std::map<int, std::string>{{1, "one"}});
  const std::string read = python(
      "import msgpack; u = msgpack.Unpacker(strict_map_key=False); "
      "u.feed(bytes.fromhex(\"" +
      to_hex(bytes) + "\")); print(*u, sep=\"; \")");
  EXPECT_EQ(read,
            "[0, 4294967295, 'vote', [7, 'x', b'\\x00\\xff', 1.5, None]]; "
            "[2, 'note', [[True, [1, -1]]]]; [1, 2, None, {1: 'one'}]\n");
}

}  // namespace
}  // namespace coracle::net
