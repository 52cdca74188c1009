#include "raft/replicated_map.h"

#include <limits>
#include <utility>

#include "raft/little_endian.h"
#include "runtime/check.h"

namespace coracle::raft {
namespace {

// One byte each for kinds and flags; texts behind their lengths, 4 bytes little endian.
class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
  void text(std::string_view value) {
    CORACLE_CHECK(value.size() <= std::numeric_limits<std::uint32_t>::max(), "a text has a length");
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(std::uint32_t));
    put_little_endian(bytes_, at, static_cast<std::uint32_t>(value.size()));
    const auto raw = std::as_bytes(std::span(value));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  void optional_text(const std::optional<std::string>& value) {
    byte(value ? 1 : 0);
    if (value) text(*value);
  }
  [[nodiscard]] SharedBytes take() const { return SharedBytes(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  // Returns    the next byte, if it is below `end`.
  std::uint8_t byte(std::uint8_t end) {
    const std::span<const std::byte> taken = take(1);
    const auto value = taken.empty() ? end : std::to_integer<std::uint8_t>(taken.front());
    if (value >= end) failed_ = true;
    return value;
  }
  std::string text() {
    const std::span<const std::byte> length = take(sizeof(std::uint32_t));
    if (length.empty()) return {};
    const std::span<const std::byte> raw = take(get_little_endian<std::uint32_t>(length, 0));
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
  }
  std::optional<std::string> optional_text() {
    if (byte(2) != 1) return std::nullopt;
    return text();
  }
  // Returns    whether all was there, and nothing else.
  [[nodiscard]] bool is_whole() const { return !failed_ && rest_.empty(); }

 private:
  std::span<const std::byte> take(std::size_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::span<const std::byte> taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool failed_ = false;
};

constexpr std::uint8_t kKindsEnd = static_cast<std::uint8_t>(MapCommand::Kind::remove) + 1;

}  // namespace

SharedBytes encode(const MapCommand& command) {
  Writer out;
  out.byte(static_cast<std::uint8_t>(command.kind));
  out.text(command.key);
  out.text(command.value);
  out.optional_text(command.expected);
  return out.take();
}

SharedBytes encode(const MapResult& result) {
  Writer out;
  out.byte(result.done ? 1 : 0);
  out.optional_text(result.found);
  return out.take();
}

std::optional<MapCommand> decode_map_command(std::span<const std::byte> bytes) {
  Reader in(bytes);
  MapCommand command;
  command.kind = static_cast<MapCommand::Kind>(in.byte(kKindsEnd));
  command.key = in.text();
  command.value = in.text();
  command.expected = in.optional_text();
  if (!in.is_whole()) return std::nullopt;
  return command;
}

std::optional<MapResult> decode_map_result(std::span<const std::byte> bytes) {
  Reader in(bytes);
  MapResult result;
  result.done = in.byte(2) == 1;
  result.found = in.optional_text();
  if (!in.is_whole()) return std::nullopt;
  return result;
}

Task<std::vector<SharedBytes>> ReplicatedMap::apply(std::span<const Command> commands) {
  std::vector<SharedBytes> results;
  results.reserve(commands.size());
  for (const Command& command : commands) {
    const std::optional<MapCommand> decoded = decode_map_command(command.data);
    results.push_back(decoded ? encode(apply_one(*decoded)) : SharedBytes());
  }
  co_return results;
}

MapResult ReplicatedMap::apply_one(const MapCommand& command) {
  MapResult result{.done = true, .found = find(command.key)};
  switch (command.kind) {
    case MapCommand::Kind::get: break;
    case MapCommand::Kind::put: values_[command.key] = command.value; break;
    case MapCommand::Kind::append: values_[command.key] += command.value; break;
    case MapCommand::Kind::compare_and_set:
      result.done = result.found == command.expected;
      if (result.done) values_[command.key] = command.value;
      break;
    case MapCommand::Kind::remove: values_.erase(command.key); break;
  }
  return result;
}

std::optional<std::string> ReplicatedMap::find(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

}  // namespace coracle::raft
