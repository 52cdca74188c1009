// Messages out of a stream, however it is cut, and whatever it holds.
#include "net/message_decoder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>

#include "runtime/random.h"
#include "tests/net/bytes_of.h"

namespace coracle::net {
namespace {

using Bytes = std::vector<std::byte>;

template <typename Write>
Bytes written(Write write) {
  Bytes bytes;
  Packer out(bytes);
  write(out);
  return bytes;
}

// A message as one line, so that streams of them compare.
std::string line_of(const RpcMessage& message) {
  return std::to_string(static_cast<int>(message.kind)) + " " + std::to_string(message.id) + " " +
         std::string(message.method) + " " + to_hex(message.params) + " " + to_hex(message.error) +
         " " + to_hex(message.result);
}

// Takes out all that is there; ends with the text of what is malformed, if anything.
void drain(MessageDecoder& decoder, std::vector<std::string>& lines) {
  RpcMessage message;
  for (;;) {
    switch (decoder.next(message)) {
      case Decoded::message: lines.push_back(line_of(message)); break;
      case Decoded::malformed: lines.push_back(decoder.malformed()); return;
      case Decoded::incomplete: return;
    }
  }
}

// Decodes a stream that arrives in pieces of the given size.
std::vector<std::string> decode(const Bytes& stream, std::size_t piece, MessageLimits limits = {}) {
  MessageDecoder decoder(limits);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    decoder.receive(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
    drain(decoder, lines);
    if (!decoder.malformed().empty()) break;
  }
  return lines;
}

std::string decode_one(std::string_view hex, MessageLimits limits = {}) {
  const auto lines = decode(from_hex(hex), 1 << 20, limits);
  return lines.empty() ? "incomplete" : lines.front();
}

// One of each kind, with values of every type and of several widths.
Bytes typical_stream() {
  return written([](Packer& out) {
    pack_request(out, 1, "append", std::uint64_t{1} << 40U, std::string(40, 'x'), Bytes(300));
    pack_notification(out, "note", 1.5, true, std::optional<int>(), std::string(70000, 'y'));
    pack_result(out, 0xfffffffeU, std::map<std::string, std::vector<int>>{{"k", {1, -2, -3000}}});
    begin_fault(out, 3);
    out.packed(from_hex("d6 01 00000000"));  // a time, as an extension of 4 bytes
    out.nil();
    pack_request(out, 2, "", std::vector<int>(20, 70000), Packed{from_hex("c7 03 05 010203")});
  });
}

TEST(MessageDecoder, IsTheSameHoweverTheStreamIsCut) {
  const Bytes stream = typical_stream();
  const auto whole = decode(stream, stream.size());
  ASSERT_EQ(whole.size(), 5U);
  EXPECT_EQ(whole[4].substr(0, 4), "0 2 ");
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 1000U, 4096U, 5000U}) {
    EXPECT_EQ(decode(stream, piece), whole) << piece;
  }
}

TEST(MessageDecoder, ReadsIntoItsOwnSpace) {
  const Bytes stream = typical_stream();
  MessageDecoder decoder;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < stream.size();) {
    const std::span<std::byte> space = decoder.space();
    ASSERT_GE(space.size(), MessageDecoder::kReadBytesMin);
    const std::size_t part = std::min(space.size(), stream.size() - at);
    std::memcpy(space.data(), stream.data() + at, part);
    decoder.received(part);
    at += part;
    drain(decoder, lines);
  }
  EXPECT_EQ(lines, decode(stream, stream.size()));
  EXPECT_FALSE(decoder.inside_message());
}

TEST(MessageDecoder, WaitsAtEveryTruncation) {
  Bytes stream = written([](Packer& out) {
    pack_request(out, 70000, "vote", -5, 2.5, Bytes(300), Packed{from_hex("c8 0001 05 00")},
                 std::vector<std::string>(17, "s"), std::map<int, int>{{1, 2}});
  });
  for (std::size_t size = 0; size < stream.size(); ++size) {
    MessageDecoder decoder;
    decoder.receive(std::span(stream).first(size));
    RpcMessage message;
    ASSERT_EQ(decoder.next(message), Decoded::incomplete) << size;
    EXPECT_EQ(decoder.inside_message(), size > 0);
    decoder.receive(std::span(stream).subspan(size));
    ASSERT_EQ(decoder.next(message), Decoded::message) << size << decoder.malformed();
    EXPECT_EQ(message.method, "vote");
    EXPECT_FALSE(decoder.inside_message());
  }
}

TEST(MessageDecoder, RefusesOtherProtocolsAtTheirFirstByte) {
  const auto refusal = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return decode(Bytes(bytes.begin(), bytes.end()), 1).front();
  };
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n"),
            "byte 0 of the stream: a message is an array of 3 or 4 elements, got integer");
  EXPECT_EQ(refusal("\x16\x03\x01"),
            "byte 0 of the stream: a message is an array of 3 or 4 elements, got integer");
  EXPECT_EQ(decode_one("92"),
            "byte 0 of the stream: a message is an array of 3 or 4 elements, "
            "got array of 2 elements");
  EXPECT_EQ(decode_one("dd ffffffff"),
            "byte 0 of the stream: a message is an array of 3 or 4 elements, "
            "got array of 4294967295 elements");
  EXPECT_EQ(decode_one("c1"), "byte 0 of the stream: 0xc1 begins no value");
}

TEST(MessageDecoder, RefusesHugeLengthsAtOnce) {
  const MessageLimits limits{.message_bytes_max = 1000, .nesting_max = 8};
  const auto refusal = [](std::string_view what) {
    return "byte 6 of the stream: no room for this " + std::string(what) +
           " in a message of at most 1000 bytes";
  };
  const std::string head = "94 00 01 a161 91 ";
  EXPECT_EQ(decode_one(head + "db ffffffff", limits), refusal("string of 4294967295 bytes"));
  EXPECT_EQ(decode_one(head + "c6 ffffffff", limits), refusal("4294967295 bytes"));
  EXPECT_EQ(decode_one(head + "c9 ffffffff 01", limits), refusal("extension of 4294967295 bytes"));
  EXPECT_EQ(decode_one(head + "dd ffffffff", limits), refusal("array of 4294967295 elements"));
  EXPECT_EQ(decode_one(head + "df ffffffff", limits), refusal("map of 4294967295 pairs"));
  EXPECT_EQ(decode_one(head + "da 03e7", limits), refusal("string of 999 bytes"));
  EXPECT_EQ(decode_one("94 00 01 db ffffffff", limits).substr(0, 21), "byte 3 of the stream:");
}

TEST(MessageDecoder, CountsWhatOpenContainersStillNeed) {
  // Each array alone would fit; what they declare together does not.
  const MessageLimits limits{.message_bytes_max = 1000, .nesting_max = 8};
  EXPECT_EQ(decode_one("94 00 01 a161 91 dc 0190 dc 0190 dc 0190", limits),
            "byte 12 of the stream: no room for this array of 400 elements "
            "in a message of at most 1000 bytes");
}

TEST(MessageDecoder, TakesAMessageOfExactlyTheLimit) {
  const Bytes stream = written([](Packer& out) { pack_request(out, 1, "m", Bytes(200)); });
  EXPECT_EQ(decode(stream, 7, {.message_bytes_max = stream.size()}).front().substr(0, 5), "0 1 m");
  EXPECT_EQ(decode(stream, 7, {.message_bytes_max = stream.size() - 1}).front().substr(0, 21),
            "byte 6 of the stream:");
}

TEST(MessageDecoder, BoundsNesting) {
  const MessageLimits limits{.nesting_max = 5};
  EXPECT_EQ(decode_one("94 00 01 a161 91 91 91 91 01", limits).substr(0, 5), "0 1 a");
  EXPECT_EQ(decode_one("94 00 01 a161 91 91 91 90", limits).substr(0, 5), "0 1 a");
  EXPECT_EQ(decode_one("94 00 01 a161 91 91 91 91 90", limits),
            "byte 9 of the stream: nested deeper than 5");
  EXPECT_EQ(decode_one("94 00 01 a161 91 91 91 91 80", limits),
            "byte 9 of the stream: nested deeper than 5");
  Bytes deep = from_hex("94 00 01 a161");
  deep.insert(deep.end(), 1000000, std::byte{0x91});
  EXPECT_EQ(decode(deep, deep.size()).front(), "byte 68 of the stream: nested deeper than 64");
}

TEST(MessageDecoder, NamesThePlaceInTheStream) {
  Bytes stream = written([](Packer& out) {
    pack_notification(out, "a");
    pack_notification(out, "b", Bytes(10000));
  });
  const std::size_t good = stream.size();
  const Bytes bad = from_hex("94 00 01 07 90");
  stream.insert(stream.end(), bad.begin(), bad.end());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}, stream.size()}) {
    EXPECT_EQ(decode(stream, piece).back(), "byte " + std::to_string(good + 3) +
                                                " of the stream: method: expected string, got "
                                                "integer");
  }
}

TEST(MessageDecoder, StaysMalformed) {
  MessageDecoder decoder;
  decoder.receive(from_hex("c0"));
  RpcMessage message;
  EXPECT_EQ(decoder.next(message), Decoded::malformed);
  decoder.receive(written([](Packer& out) { pack_notification(out, "good"); }));
  EXPECT_EQ(decoder.next(message), Decoded::malformed);
}

TEST(MessageDecoder, DoesNotMoveItsBufferInSteadyTraffic) {
  const Bytes message = written([](Packer& out) { pack_request(out, 1, "echo", Bytes(500)); });
  MessageDecoder decoder;
  const std::byte* const first = decoder.space().data();
  for (int i = 0; i < 10000; ++i) {
    const std::span<std::byte> space = decoder.space();
    EXPECT_EQ(space.data(), first);
    std::memcpy(space.data(), message.data(), message.size());
    decoder.received(message.size());
    RpcMessage received;
    ASSERT_EQ(decoder.next(received), Decoded::message);
  }
}

TEST(MessageDecoder, GrowsOnlyWithWhatHasArrived) {
  MessageDecoder decoder({.message_bytes_max = 64 << 20});
  decoder.receive(from_hex("93 02 db 03000000"));  // a method name of 48 MiB, it says
  RpcMessage message;
  EXPECT_EQ(decoder.next(message), Decoded::incomplete);
  (void)decoder.space();
  EXPECT_LE(decoder.capacity(), 8192U);
}

TEST(MessageDecoder, KeepsItsBufferWithinOneMessageAndOneRead) {
  const std::size_t limit = 100000;
  MessageDecoder decoder({.message_bytes_max = limit});
  const Bytes message = written([](Packer& out) { pack_request(out, 1, "m", Bytes(limit - 100)); });
  RpcMessage received;
  for (int round = 0; round < 3; ++round) {
    for (const std::byte byte : message) {
      const std::span<std::byte> space = decoder.space();
      space.front() = byte;
      decoder.received(1);
      if (decoder.next(received) == Decoded::message) break;
      EXPECT_LE(decoder.capacity(), limit + MessageDecoder::kReadBytesMin);
    }
    EXPECT_FALSE(decoder.inside_message());
  }
}

TEST(MessageDecoder, GivesABigBufferBack) {
  MessageDecoder decoder;
  RpcMessage message;
  const auto send = [&](std::size_t bytes) {
    decoder.receive(written([&](Packer& out) { pack_request(out, 1, "m", Bytes(bytes)); }));
    ASSERT_EQ(decoder.next(message), Decoded::message);
    (void)decoder.space();
  };
  send(3 << 20);
  EXPECT_LE(decoder.capacity(), 4096U);
  send(100000);
  EXPECT_GE(decoder.capacity(), 100000U);
  for (int i = 0; i < 600; ++i) send(10);
  EXPECT_LE(decoder.capacity(), 4096U);
}

RC_GTEST_PROP(MessageDecoder, IsTheSameForRandomCutsOfRandomStreams, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  Bytes stream;
  Packer out(stream);
  const std::uint64_t messages = 1 + random.below(8);
  for (std::uint64_t i = 0; i < messages; ++i) {
    const auto id = static_cast<std::uint32_t>(random.next());
    const std::string method(random.below(40), 'm');
    const Bytes payload(random.below(6000));
    const std::uint64_t number = random.next();
    pack_request(out, id, method, payload, number);
  }
  const auto whole = decode(stream, stream.size());
  RC_ASSERT(whole.size() == messages);
  MessageDecoder decoder;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t part = std::min<std::size_t>(1 + random.below(3000), stream.size() - at);
    decoder.receive(std::span(stream).subspan(at, part));
    drain(decoder, lines);
    at += part;
  }
  RC_ASSERT(lines == whole);
}

// Sanitizers see what a wrong byte makes the decoder do; the limits see to its cost.
TEST(MessageDecoder, SurvivesRandomBytes) {
  Random random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes stream(1 + random.below(60));
    for (std::byte& byte : stream) byte = static_cast<std::byte>(random.next());
    if (random.chance(0.7)) stream.front() = std::byte{0x94};
    if (stream.size() > 1 && random.chance(0.7)) stream[1] = std::byte(random.below(3));
    EXPECT_EQ(decode(stream, 1), decode(stream, stream.size()));
  }
}

TEST(MessageDecoder, SurvivesWrongBytesInGoodMessages) {
  Random random(2);
  const Bytes good = typical_stream();
  for (int round = 0; round < 3000; ++round) {
    Bytes stream = good;
    for (std::uint64_t wrong = 1 + random.below(4); wrong > 0; --wrong) {
      const std::uint64_t range = random.chance(0.5) ? 400 : stream.size();
      const std::uint64_t at = random.below(range);
      stream[at] = static_cast<std::byte>(random.next());
    }
    MessageDecoder decoder({.message_bytes_max = 1 << 20});
    std::vector<std::string> lines;
    decoder.receive(stream);
    drain(decoder, lines);
    EXPECT_LE(decoder.capacity(), 2U << 20U);
  }
}

}  // namespace
}  // namespace coracle::net
