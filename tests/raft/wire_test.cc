// The wire: every message comes back as it was, and no bytes whatever do harm. N4.
#include "raft/wire.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <type_traits>

#include "raft/sessions.h"

namespace coracle::raft {
namespace {

// ---- Arbitrary messages ----
std::uint64_t any_number() { return *rc::gen::arbitrary<std::uint64_t>(); }
Term any_term() { return any_number() % kTermEnd; }
Refusal any_refusal() { return static_cast<Refusal>(any_number() % 8); }
LogPosition any_position() {
  const Term term = any_number();
  return {.term = term, .index = any_number()};
}
Duration any_duration() { return Duration(*rc::gen::arbitrary<std::int64_t>()); }
std::vector<std::byte> any_bytes() {
  std::vector<std::byte> bytes;
  for (const auto number : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    bytes.push_back(static_cast<std::byte>(number));
  }
  return bytes;
}

void fill(Incarnation& life) { life.directory = any_number(), life.start = any_number(); }
void fill(RequestHeader& header) {
  header.cluster = any_number();
  header.from = any_number();
  header.to = any_number();
  header.request = any_number();
  fill(header.incarnation);
}
void fill(ReplyHeader& header) {
  header.cluster = any_number();
  header.from = any_number();
  header.to = any_number();
  header.request = any_number();
  fill(header.incarnation);
  fill(header.asker);
}
void fill(Timing& timing) {
  timing.heartbeat = any_duration();
  timing.timeout_min = any_duration();
  timing.timeout_max = any_duration();
}

// Sets every field that a message type may have.
template <class Message>
Message any_message() {
  Message message;
  fill(message.header);
  if constexpr (requires { message.timing; }) fill(message.timing);
  if constexpr (requires { message.term; }) message.term = any_term();
  if constexpr (requires { message.last_log; }) message.last_log = any_position();
  if constexpr (requires { message.refusal; }) message.refusal = any_refusal();
  if constexpr (requires { message.granted; }) message.granted = any_number() % 2 == 0;
  if constexpr (requires { message.success; }) message.success = any_number() % 2 == 0;
  if constexpr (requires { message.accepted; }) message.accepted = any_number() % 2 == 0;
  if constexpr (requires { message.leadership_transfer; }) {
    message.leadership_transfer = any_number() % 2 == 0;
  }
  if constexpr (requires { message.read_round; }) message.read_round = any_number();
  if constexpr (requires { message.index; }) message.index = any_number();
  if constexpr (requires { message.matched; }) {
    message.matched = any_position();
    message.durable = any_position();
    message.conflict = any_position();
  }
  if constexpr (requires { message.entries; }) {
    message.term = std::max<Term>(message.term, 1);
    message.previous = any_position();
    message.previous.term %= message.term + 1;
    message.commit = any_number();
    message.rank = static_cast<std::uint32_t>(any_number());
    Term term = std::max<Term>(message.previous.term, 1);
    for (std::uint64_t n = any_number() % 4; n > 0; --n) {
      term +=
          any_number() % (message.term - term + 1);  // terms never fall, nor exceed the leader's
      Entry entry{.term = term,
                  .kind = static_cast<EntryKind>(any_number() % 5),
                  .log_time = *rc::gen::arbitrary<std::int64_t>(),
                  .data = any_bytes()};
      if (entry.kind == EntryKind::session)
        entry.data = encode(SessionChange(KeepSession{.session = 7}));
      if (entry.kind == EntryKind::session_command) {
        entry.data = encode(SessionCommand{.session = 7, .sequence = 1}, entry.data);
      }
      message.entries.push_back(entry);
    }
  }
  return message;
}

template <class Message>
class EachMessage : public testing::Test {};
using Messages = testing::Types<Hello, HelloReply, PreVote, PreVoteReply, RequestVote,
                                RequestVoteReply, AppendEntries, AppendEntriesReply, TimeoutNow,
                                TimeoutNowReply, ReadIndex, ReadIndexReply>;
TYPED_TEST_SUITE(EachMessage, Messages, );

TYPED_TEST(EachMessage, ComesBackAsItWas) {
  EXPECT_TRUE(rc::check([] {
    const auto message = any_message<TypeParam>();
    const Decoded<TypeParam> back = decode<TypeParam>(encode(message));
    RC_ASSERT(back.error == std::string());
    RC_ASSERT(*back.message == message);
  }));
}

TYPED_TEST(EachMessage, OfRandomBytesIsRefused) {
  EXPECT_TRUE(rc::check([] {
    const Decoded<TypeParam> decoded = decode<TypeParam>(any_bytes());
    RC_ASSERT(!decoded.message);
    RC_ASSERT(!decoded.error.empty());
  }));
}

// One byte changed: it is refused with a reason, or read as some other message.
TYPED_TEST(EachMessage, WithAChangedByteDoesNoHarm) {
  EXPECT_TRUE(rc::check([] {
    std::vector<std::byte> bytes = encode(any_message<TypeParam>());
    bytes[any_number() % bytes.size()] = static_cast<std::byte>(any_number() & 0xFFU);
    const Decoded<TypeParam> decoded = decode<TypeParam>(bytes);
    RC_ASSERT(decoded.message.has_value() == decoded.error.empty());
  }));
}

TYPED_TEST(EachMessage, CutAnywhereIsRefused) {
  EXPECT_TRUE(rc::check([] {
    const std::vector<std::byte> bytes = encode(any_message<TypeParam>());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Decoded<TypeParam> decoded = decode<TypeParam>(std::span(bytes).first(size));
      RC_ASSERT(!decoded.message);
      RC_ASSERT(!decoded.error.empty());
    }
  }));
}

// ---- By hand ----
std::vector<std::byte> bytes_of(std::initializer_list<unsigned> numbers) {
  std::vector<std::byte> bytes;
  for (const unsigned number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

// [1, 9, [1, 2, 3, [4, 5], 6], 7], with elements of a later version behind each array's own.
TEST(Wire, UnknownTrailingFieldsAreIgnored) {
  const auto bytes =
      bytes_of({0x95, 1,    9,                                                      //
                0x97, 1,    2,    3,   0x93, 4, 5, 0xC0, 6, 0x81, 1, 2, 0xA1, 'x',  //
                7,    0x92, 0xC3, 0xC2});
  const auto decoded = decode<TimeoutNow>(bytes);
  ASSERT_EQ(decoded.error, "");
  const TimeoutNow expected{.header = {.cluster = 1,
                                       .from = 2,
                                       .to = 3,
                                       .incarnation = {.directory = 4, .start = 5},
                                       .request = 6},
                            .term = 7};
  EXPECT_EQ(*decoded.message, expected);
}

std::string error_of(std::initializer_list<unsigned> numbers) {
  return decode<TimeoutNow>(bytes_of(numbers)).error;
}

// N4, and every other refusal in its own words.
TEST(Wire, SaysWhatIsWrong) {
  EXPECT_EQ(error_of({0x94, 2, 9, 0xC0, 7}),
            "timeout_now is of protocol version 2, this server speaks 1");
  EXPECT_EQ(error_of({0x94, 1, 5, 0xC0, 7}), "timeout_now is of type 5 instead of 9");
  EXPECT_EQ(error_of({0x93, 1, 9, 0xC0}), "timeout_now has 1 fields instead of 2");
  EXPECT_EQ(error_of({0x94, 1, 9, 0xC0, 7}), "timeout_now field 1 is no array");
  EXPECT_EQ(error_of({0x94, 1, 9, 0x94, 1, 2, 3, 0x92, 4, 5, 7}),
            "timeout_now field 1 has 4 fields instead of 5");
  EXPECT_EQ(error_of({0x94, 1, 9, 0x95, 1, 2, 3, 0x92, 4, 0xFF, 6, 7}),
            "timeout_now field 1 field 4 field 2 is no unsigned integer");
  EXPECT_EQ(error_of({0x94, 1, 9, 0x95, 1, 2, 3, 0x92, 4, 5, 6, 0xCF, 0x40, 0, 0, 0, 0, 0, 0, 0}),
            "timeout_now names a term that no cluster reaches");
  EXPECT_EQ(error_of({0x94, 1, 9, 0x95, 1, 2, 3, 0x92, 4, 5, 6, 7, 0xC0}),
            "timeout_now is followed by further bytes");
  EXPECT_EQ(error_of({7}), "timeout_now is no array");
  EXPECT_EQ(error_of({0x91, 1}), "timeout_now has no version and type");
  EXPECT_NE(error_of({}).find("timeout_now is no MessagePack"), std::string::npos);
  EXPECT_NE(error_of({0xC1}).find("timeout_now is no MessagePack"), std::string::npos);
}

// A length of four billion costs nothing but the answer.
TEST(Wire, HugeLengthsAndDeepNestingAreRefused) {
  for (const unsigned head : {0xDDU, 0xDFU, 0xDBU, 0xC6U, 0xC9U}) {
    EXPECT_NE(error_of({head, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 1}), "") << head;
  }
  std::vector<std::byte> deep(100'000, std::byte{0x91});
  deep.push_back(std::byte{0xC0});
  EXPECT_NE(decode<AppendEntries>(deep).error, "");
}

TEST(Wire, AnEntryOfAnUnknownKindIsRefusedAndAnUnknownRefusalIsNot) {
  AppendEntries append;
  append.entries.push_back({.term = 1, .kind = static_cast<EntryKind>(9)});
  EXPECT_EQ(decode<AppendEntries>(encode(append)).error,
            "append_entries field 7 field 2 is no kind of entry that this version knows");
  const RequestVoteReply later{.term = 3, .refusal = static_cast<Refusal>(200)};
  EXPECT_EQ(decode<RequestVoteReply>(encode(later)).message, later);
}

// §5.3: what no leader sends, since its log holds no such thing.
TEST(Wire, EntriesThatNoLogHoldsAreRefused) {
  const auto error_of = [](Term previous, std::vector<Term> terms) {
    AppendEntries append{.term = 5, .previous = {.term = previous, .index = 9}};
    for (const Term term : terms) append.entries.push_back({.term = term});
    return decode<AppendEntries>(encode(append)).error;
  };
  EXPECT_EQ(error_of(0, {1, 1, 5}), "");
  EXPECT_EQ(error_of(3, {3, 5}), "");
  EXPECT_EQ(error_of(3, {}), "");
  EXPECT_EQ(error_of(3, {4, 3}), "append_entries has entries whose terms fall");
  EXPECT_EQ(error_of(3, {2}), "append_entries has entries whose terms fall");
  EXPECT_EQ(error_of(0, {0}), "append_entries has entries whose terms fall");
  EXPECT_EQ(error_of(3, {3, 6}), "append_entries has an entry of a term that is still to come");
  EXPECT_EQ(error_of(6, {6}), "append_entries has an entry of a term that is still to come");
}

// The kinds of entries are in logs on disk, too: their numbers never change.
TEST(Wire, KindsOfEntriesKeepTheirNumbers) {
  EXPECT_EQ(static_cast<int>(EntryKind::no_op), 0);
  EXPECT_EQ(static_cast<int>(EntryKind::command), 1);
  EXPECT_EQ(static_cast<int>(EntryKind::configuration), 2);
  EXPECT_EQ(static_cast<int>(EntryKind::session), 3);
  EXPECT_EQ(static_cast<int>(EntryKind::session_command), 4);
  EXPECT_EQ(kLastEntryKind, EntryKind::session_command);
  AppendEntries append{.term = 1};
  append.entries.push_back({.term = 1,
                            .kind = EntryKind::session_command,
                            .data = encode(SessionCommand{.session = 7, .sequence = 1}, {})});
  EXPECT_EQ(decode<AppendEntries>(encode(append)).message, append);
  append.entries.push_back({.term = 1, .kind = static_cast<EntryKind>(5)});
  EXPECT_NE(decode<AppendEntries>(encode(append)).error, "");
}

// What a server cannot read it must not store: all would store it, and none could apply it.
TEST(Wire, AnEntryOfASessionThatNobodyCanReadIsRefused) {
  for (const EntryKind kind : {EntryKind::session, EntryKind::session_command}) {
    AppendEntries append{.term = 1};
    append.entries.push_back({.term = 1, .kind = kind, .data = SharedBytes("?")});
    EXPECT_EQ(decode<AppendEntries>(encode(append)).error,
              "append_entries has an entry of a session that this version cannot read");
  }
}

}  // namespace
}  // namespace coracle::raft
