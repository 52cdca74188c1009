#include "raft/wire.h"

#include <algorithm>
#include <concepts>
#include <limits>
#include <msgpack.hpp>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "raft/sessions.h"

namespace coracle::raft {
namespace {

template <class T, class Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

// ---- The fields of each type, for both directions ----
auto fields(Is<Incarnation> auto& x) { return std::tie(x.directory, x.start); }
auto fields(Is<LogPosition> auto& x) { return std::tie(x.term, x.index); }
auto fields(Is<Timing> auto& x) { return std::tie(x.heartbeat, x.timeout_min, x.timeout_max); }
auto fields(Is<Entry> auto& x) { return std::tie(x.term, x.kind, x.log_time, x.data); }
auto fields(Is<RequestHeader> auto& x) {
  return std::tie(x.cluster, x.from, x.to, x.incarnation, x.request);
}
auto fields(Is<ReplyHeader> auto& x) {
  return std::tie(x.cluster, x.from, x.to, x.incarnation, x.request, x.asker);
}
auto fields(Is<Hello> auto& x) { return std::tie(x.header, x.timing); }
auto fields(Is<HelloReply> auto& x) { return std::tie(x.header, x.timing); }
auto fields(Is<PreVote> auto& x) { return std::tie(x.header, x.term, x.last_log); }
auto fields(Is<PreVoteReply> auto& x) { return std::tie(x.header, x.term, x.granted, x.refusal); }
auto fields(Is<RequestVote> auto& x) {
  return std::tie(x.header, x.term, x.last_log, x.leadership_transfer);
}
auto fields(Is<RequestVoteReply> auto& x) {
  return std::tie(x.header, x.term, x.granted, x.refusal);
}
auto fields(Is<AppendEntries> auto& x) {
  return std::tie(x.header, x.term, x.previous, x.commit, x.read_round, x.rank, x.entries);
}
auto fields(Is<AppendEntriesReply> auto& x) {
  return std::tie(x.header, x.term, x.success, x.refusal, x.matched, x.durable, x.conflict,
                  x.read_round);
}
auto fields(Is<TimeoutNow> auto& x) { return std::tie(x.header, x.term); }
auto fields(Is<ReadIndex> auto& x) { return std::tie(x.header, x.term); }
auto fields(Is<ReadIndexReply> auto& x) {
  return std::tie(x.header, x.term, x.success, x.refusal, x.index);
}
auto fields(Is<TimeoutNowReply> auto& x) {
  return std::tie(x.header, x.term, x.accepted, x.refusal);
}

// ---- The number and the name of each message ----
struct Kind {
  std::uint8_t number;
  std::string_view name;
};
template <class Message>
inline constexpr Kind kKind{};
template <>
inline constexpr Kind kKind<Hello>{1, "hello"};
template <>
inline constexpr Kind kKind<HelloReply>{2, "reply to hello"};
template <>
inline constexpr Kind kKind<PreVote>{3, "pre_vote"};
template <>
inline constexpr Kind kKind<PreVoteReply>{4, "reply to pre_vote"};
template <>
inline constexpr Kind kKind<RequestVote>{5, "request_vote"};
template <>
inline constexpr Kind kKind<RequestVoteReply>{6, "reply to request_vote"};
template <>
inline constexpr Kind kKind<AppendEntries>{7, "append_entries"};
template <>
inline constexpr Kind kKind<AppendEntriesReply>{8, "reply to append_entries"};
template <>
inline constexpr Kind kKind<TimeoutNow>{9, "timeout_now"};
template <>
inline constexpr Kind kKind<TimeoutNowReply>{10, "reply to timeout_now"};
template <>
inline constexpr Kind kKind<ReadIndex>{11, "read_index"};
template <>
inline constexpr Kind kKind<ReadIndexReply>{12, "reply to read_index"};

// ---- Writing ----
using Packer = msgpack::packer<msgpack::sbuffer>;

template <class T>
concept HasFields = requires(T& value) { fields(value); };
template <HasFields T>
void write(Packer& out, const T& value);
void write(Packer& out, const std::vector<Entry>& entries);

void write(Packer& out, bool value) { value ? out.pack_true() : out.pack_false(); }
void write(Packer& out, std::uint32_t value) { out.pack_uint32(value); }
void write(Packer& out, std::uint64_t value) { out.pack_uint64(value); }
void write(Packer& out, std::int64_t value) { out.pack_int64(value); }
void write(Packer& out, Duration value) { out.pack_int64(value.count()); }
template <class E>
  requires std::is_enum_v<E>
void write(Packer& out, E value) {
  out.pack_uint8(static_cast<std::uint8_t>(value));
}
void write(Packer& out, const SharedBytes& value) {
  out.pack_bin(static_cast<std::uint32_t>(value.size()));
  out.pack_bin_body(reinterpret_cast<const char*>(value.data()),
                    static_cast<std::uint32_t>(value.size()));
}
template <HasFields T>
void write(Packer& out, const T& value) {
  const auto tuple = fields(value);
  out.pack_array(std::tuple_size_v<decltype(tuple)>);
  std::apply([&](const auto&... field) { (write(out, field), ...); }, tuple);
}
void write(Packer& out, const std::vector<Entry>& entries) {
  out.pack_array(static_cast<std::uint32_t>(entries.size()));
  for (const Entry& entry : entries) write(out, entry);
}

// ---- Reading. A failure is one sentence, thrown within this file only. ----
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void read(const msgpack::object& in, bool& value) {
  if (in.type != msgpack::type::BOOLEAN) throw Malformed("is no boolean");
  value = in.via.boolean;
}
void read(const msgpack::object& in, std::uint64_t& value) {
  if (in.type != msgpack::type::POSITIVE_INTEGER) throw Malformed("is no unsigned integer");
  value = in.via.u64;
}
void read(const msgpack::object& in, std::uint32_t& value) {
  std::uint64_t wide = 0;
  read(in, wide);
  if (wide > std::numeric_limits<std::uint32_t>::max()) throw Malformed("exceeds 32 bits");
  value = static_cast<std::uint32_t>(wide);
}
void read(const msgpack::object& in, std::int64_t& value) {
  if (in.type == msgpack::type::NEGATIVE_INTEGER) {
    value = in.via.i64;
    return;
  }
  std::uint64_t wide = 0;
  read(in, wide);
  if (!std::in_range<std::int64_t>(wide)) throw Malformed("exceeds 63 bits");
  value = static_cast<std::int64_t>(wide);
}
void read(const msgpack::object& in, Duration& value) {
  std::int64_t count = 0;
  read(in, count);
  value = Duration(count);
}
// A reason that only a later version knows is still a refusal.
void read(const msgpack::object& in, Refusal& value) {
  std::uint32_t number = 0;
  read(in, number);
  if (number > 0xFF) throw Malformed("exceeds 8 bits");
  value = static_cast<Refusal>(number);
}
// An entry that only a later version knows cannot be applied.
void read(const msgpack::object& in, EntryKind& value) {
  std::uint32_t number = 0;
  read(in, number);
  if (number > static_cast<std::uint32_t>(kLastEntryKind)) {
    throw Malformed("is no kind of entry that this version knows");
  }
  value = static_cast<EntryKind>(number);
}
void read(const msgpack::object& in, SharedBytes& value) {
  if (in.type != msgpack::type::BIN) throw Malformed("is no byte string");
  value = SharedBytes(std::string_view(in.via.bin.ptr, in.via.bin.size));
}

std::span<const msgpack::object> elements(const msgpack::object& in) {
  if (in.type != msgpack::type::ARRAY) throw Malformed("is no array");
  return {in.via.array.ptr, in.via.array.size};
}

template <HasFields T>
void read(const msgpack::object& in, T& value);
void read(const msgpack::object& in, std::vector<Entry>& entries);

template <class Field>
void read_field(std::span<const msgpack::object> in, std::size_t& next, Field& field) {
  const std::size_t index = next++;
  try {
    read(in[index], field);
  } catch (const Malformed& malformed) {
    throw Malformed("field " + std::to_string(index + 1) + " " + malformed.what());
  }
}

// Takes the fields of `value`, in their order; elements behind them are for later versions.
template <class T>
void read_fields(std::span<const msgpack::object> in, T& value) {
  const auto tuple = fields(value);
  constexpr std::size_t kFields = std::tuple_size_v<decltype(tuple)>;
  if (in.size() < kFields) {
    throw Malformed("has " + std::to_string(in.size()) + " fields instead of " +
                    std::to_string(kFields));
  }
  std::size_t next = 0;
  std::apply([&](auto&... field) { (read_field(in, next, field), ...); }, tuple);
}

template <HasFields T>
void read(const msgpack::object& in, T& value) {
  read_fields(elements(in), value);
}

void read(const msgpack::object& in, std::vector<Entry>& entries) {
  for (const msgpack::object& element : elements(in)) read(element, entries.emplace_back());
}

// Takes the version and the type, and returns what follows them.
std::span<const msgpack::object> open(const msgpack::object& in, const Kind& kind) {
  const std::span<const msgpack::object> all = elements(in);
  if (all.size() < 2) throw Malformed("has no version and type");
  std::uint64_t version = 0;
  std::uint64_t number = 0;
  read(all[0], version);
  if (version != kProtocolVersion) {
    throw Malformed("is of protocol version " + std::to_string(version) + ", this server speaks " +
                    std::to_string(kProtocolVersion));
  }
  read(all[1], number);
  if (number != kind.number) {
    throw Malformed("is of type " + std::to_string(number) + " instead of " +
                    std::to_string(kind.number));
  }
  return all.subspan(2);
}

// What no leader sends: a log whose terms fall, or reach beyond its own.
void check_entries(const AppendEntries& message) {
  Term term = std::max<Term>(message.previous.term, 1);
  for (const Entry& entry : message.entries) {
    const bool is_unknown =
        (entry.kind == EntryKind::session && !decode_change(entry.data)) ||
        (entry.kind == EntryKind::session_command && !decode_command(entry.data));
    if (is_unknown) throw Malformed("has an entry of a session that this version cannot read");
    if (entry.term < term) throw Malformed("has entries whose terms fall");
    term = entry.term;
  }
  if (!message.entries.empty() && term > message.term) {
    throw Malformed("has an entry of a term that is still to come");
  }
}

constexpr std::size_t kNestingMax = 8;  // ours need four

msgpack::object_handle parse(std::span<const std::byte> bytes) {
  // No declared length may exceed what arrived: each element has at least one byte.
  const std::size_t limit = bytes.size();
  const msgpack::unpack_limit limits(limit, limit, limit, limit, limit, kNestingMax);
  std::size_t end = 0;
  msgpack::object_handle parsed = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()),
                                                  bytes.size(), end, nullptr, nullptr, limits);
  if (end != bytes.size()) throw Malformed("is followed by further bytes");
  return parsed;
}

}  // namespace

template <class Message>
std::vector<std::byte> encode(const Message& message) {
  msgpack::sbuffer buffer;
  Packer out(buffer);
  const auto tuple = fields(message);
  out.pack_array(2 + std::tuple_size_v<decltype(tuple)>);
  out.pack_uint64(kProtocolVersion);
  out.pack_uint8(kKind<Message>.number);
  std::apply([&](const auto&... field) { (write(out, field), ...); }, tuple);
  const auto* first = reinterpret_cast<const std::byte*>(buffer.data());
  return {first, first + buffer.size()};
}

template <class Message>
Decoded<Message> decode(std::span<const std::byte> bytes) {
  try {
    const msgpack::object_handle parsed = parse(bytes);
    Message message;
    read_fields(open(parsed.get(), kKind<Message>), message);
    if constexpr (requires { message.term; }) {
      if (message.term >= kTermEnd) throw Malformed("names a term that no cluster reaches");
    }
    if constexpr (requires { message.entries; }) check_entries(message);
    return {.message = std::move(message), .error = {}};
  } catch (const Malformed& malformed) {
    return {.message = {}, .error = std::string(kKind<Message>.name) + " " + malformed.what()};
  } catch (const msgpack::unpack_error& malformed) {
    return {.message = {},
            .error = std::string(kKind<Message>.name) + " is no MessagePack: " + malformed.what()};
  }
}

template std::vector<std::byte> encode(const Hello&);
template std::vector<std::byte> encode(const HelloReply&);
template std::vector<std::byte> encode(const PreVote&);
template std::vector<std::byte> encode(const PreVoteReply&);
template std::vector<std::byte> encode(const RequestVote&);
template std::vector<std::byte> encode(const RequestVoteReply&);
template std::vector<std::byte> encode(const AppendEntries&);
template std::vector<std::byte> encode(const AppendEntriesReply&);
template std::vector<std::byte> encode(const TimeoutNow&);
template std::vector<std::byte> encode(const TimeoutNowReply&);
template std::vector<std::byte> encode(const ReadIndex&);
template std::vector<std::byte> encode(const ReadIndexReply&);
template Decoded<Hello> decode(std::span<const std::byte>);
template Decoded<HelloReply> decode(std::span<const std::byte>);
template Decoded<PreVote> decode(std::span<const std::byte>);
template Decoded<PreVoteReply> decode(std::span<const std::byte>);
template Decoded<RequestVote> decode(std::span<const std::byte>);
template Decoded<RequestVoteReply> decode(std::span<const std::byte>);
template Decoded<AppendEntries> decode(std::span<const std::byte>);
template Decoded<AppendEntriesReply> decode(std::span<const std::byte>);
template Decoded<TimeoutNow> decode(std::span<const std::byte>);
template Decoded<TimeoutNowReply> decode(std::span<const std::byte>);
template Decoded<ReadIndex> decode(std::span<const std::byte>);
template Decoded<ReadIndexReply> decode(std::span<const std::byte>);

}  // namespace coracle::raft
