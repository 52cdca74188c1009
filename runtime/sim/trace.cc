#include "runtime/sim/trace.h"

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>

#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

enum class Kind : std::uint8_t { number, text };

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// Packed: little-endian on every machine that we build for.
void pack(std::string& out, std::int64_t number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out.append(bytes, sizeof(number));
}

void pack(std::string& out, std::string_view text) {
  CORACLE_CHECK(text.size() <= std::numeric_limits<std::uint16_t>::max(),
                "a trace holds texts of up to 64 KiB");
  const auto size = static_cast<std::uint16_t>(text.size());
  char bytes[sizeof(size)];
  std::memcpy(bytes, &size, sizeof(size));
  out.append(bytes, sizeof(size)).append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  std::int64_t number() {
    std::int64_t value = 0;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  std::string text() {
    std::uint16_t size = 0;
    std::memcpy(&size, take(sizeof(size)).data(), sizeof(size));
    return std::string(take(size));
  }
  Kind kind() { return static_cast<Kind>(take(1)[0]); }

 private:
  std::string_view take(std::size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_;
};

TraceEvent unpack(std::string_view bytes) {
  Reader in(bytes);
  TraceEvent event;
  event.at = Duration(in.number());
  event.host = in.text();
  event.event = in.text();
  while (!in.done()) {
    std::string name = in.text();
    if (in.kind() == Kind::number) {
      event.facts.emplace_back(std::move(name), in.number());
    } else {
      event.facts.emplace_back(std::move(name), in.text());
    }
  }
  return event;
}

std::string seconds(Duration at, const char* form) {
  const std::int64_t nanoseconds = at.count();
  return fmt::format(fmt::runtime(form), nanoseconds / kNanosecondsPerSecond,
                     nanoseconds % kNanosecondsPerSecond);
}

// A text with blanks or quotes in it stands in quotes, so that a line can be taken apart.
std::string quoted(const std::string& text) {
  if (!text.empty() && text.find_first_of(" \t\n\"=") == std::string::npos) return text;
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string TraceEvent::to_text() const {
  std::string line = seconds(at, "{}.{:09}");
  if (!host.empty()) line.append(" host=").append(host);
  line.append(" ").append(event);
  for (const auto& [name, value] : facts) {
    line.append(" ").append(name).append("=");
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      line += std::to_string(*number);
    } else {
      line += quoted(std::get<std::string>(value));
    }
  }
  return line;
}

std::string TraceEvent::to_json() const {
  nlohmann::ordered_json object;
  if (!host.empty()) object["host"] = host;
  object["event"] = event;
  for (const auto& [name, value] : facts) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      object[name] = *number;
    } else {
      object[name] = std::get<std::string>(value);
    }
  }
  const std::string rest =
      object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return seconds(at, "{{\"time\":{}.{:09},") + rest.substr(1);
}

void Trace::add(TimePoint at, std::string_view host, std::string_view event,
                std::initializer_list<Fact> facts) {
  const std::size_t begin = bytes_.size();
  pack(bytes_, static_cast<std::int64_t>(at.time_since_epoch().count()));
  pack(bytes_, host);
  pack(bytes_, event);
  for (const Fact& fact : facts) {
    pack(bytes_, fact.name);
    if (const auto* number = std::get_if<std::int64_t>(&fact.value)) {
      bytes_.push_back(static_cast<char>(Kind::number));
      pack(bytes_, *number);
    } else {
      bytes_.push_back(static_cast<char>(Kind::text));
      pack(bytes_, std::get<std::string_view>(fact.value));
    }
  }
  const std::string_view packed = std::string_view(bytes_).substr(begin);
  hash_ = XXH3_64bits_withSeed(packed.data(), packed.size(), hash_);
  ++count_;
  if (observer_) observer_(unpack(packed));
  ends_.push_back(bytes_.size());
  if (ends_.size() / 2 > kept_max_) forget_oldest();
}

// Half of what is kept at a time, so that each event is moved once at most.
void Trace::forget_oldest() {
  const std::size_t forgotten = ends_.size() - kept_max_;
  const std::size_t bytes = ends_[forgotten - 1];
  bytes_.erase(0, bytes);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(forgotten));
  for (std::size_t& end : ends_) end -= bytes;
}

TraceEvent Trace::at(std::size_t index) const {
  CORACLE_CHECK(index < ends_.size(), "this event is kept");
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return unpack(std::string_view(bytes_).substr(begin, ends_[index] - begin));
}

void Trace::write_text(std::ostream& out) const { write_tail(out, kept()); }

void Trace::write_ndjson(std::ostream& out) const {
  for (std::size_t index = 0; index < kept(); ++index) out << at(index).to_json() << '\n';
}

void Trace::write_tail(std::ostream& out, std::size_t events) const {
  const std::size_t first = events < kept() ? kept() - events : 0;
  for (std::size_t index = first; index < kept(); ++index) out << at(index).to_text() << '\n';
}

}  // namespace coracle::sim
