// Histories as JSON lines: the format is described in history.h.
#include <algorithm>
#include <array>
#include <exception>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <spdlog/fmt/fmt.h>
#include <nlohmann/json.hpp>

#include "raft/sim/history.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::raft::sim {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Kind = OperationKind;

constexpr std::array<std::pair<Kind, std::string_view>, 5> kKinds{{{Kind::get, "get"},
                                                                   {Kind::put, "put"},
                                                                   {Kind::append, "append"},
                                                                   {Kind::compare_and_set, "cas"},
                                                                   {Kind::remove, "delete"}}};

constexpr std::array<std::pair<OperationOutcome, std::string_view>, 3> kOutcomes{
    {{OperationOutcome::ok, "ok"},
     {OperationOutcome::failed, "failed"},
     {OperationOutcome::unknown, "unknown"}}};

constexpr std::string_view kHexDigits = "0123456789abcdef";

template <class Names, class Value>
std::string name_of(const Names& names, Value value) {
  for (const auto& [named, name] : names) {
    if (named == value) return std::string(name);
  }
  return "";
}

bool is_utf8(const std::string& text) {
  try {
    (void)json(text).dump();
  } catch (const json::type_error&) {
    return false;
  }
  return true;
}

ordered_json text_json(const std::string& text) {
  if (is_utf8(text)) return text;
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kHexDigits[byte >> 4U]);
    hex.push_back(kHexDigits[byte & 15U]);
  }
  return {{"hex", hex}};
}

ordered_json value_json(const MapValue& value) { return value ? text_json(*value) : nullptr; }

// What is wrong with a line; parse_json_lines() says with which.
struct BadLine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The fields of one line. What was not asked for when all is read should not be there.
class Fields {
 public:
  explicit Fields(std::string_view line) {
    try {
      object_ = json::parse(line);
    } catch (const json::parse_error& error) {
      throw BadLine(fmt::format("it is no JSON, as byte {} shows", error.byte));
    } catch (const json::exception&) {
      throw BadLine("a number in it is out of range");
    }
    if (!object_.is_object()) throw BadLine("it is no JSON object");
  }

  // Gives the field, which is then read.
  [[nodiscard]] json take(std::string_view name) {
    const auto found = object_.find(name);
    if (found == object_.end()) throw BadLine(fmt::format("the field \"{}\" is missing", name));
    json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  [[nodiscard]] bool has(std::string_view name) const { return object_.contains(name); }

  [[nodiscard]] std::uint64_t take_number(std::string_view name) {
    const json value = take(name);
    if (!value.is_number_unsigned()) bad(name, "no whole number from 0 on");
    return value.get<std::uint64_t>();
  }

  [[nodiscard]] TimePoint take_time(std::string_view name) {
    const json value = take(name);
    constexpr auto kLatest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value.is_number_integer()) bad(name, "no whole number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() >= kLatest) bad(name, "too late");
    return TimePoint(Duration(value.get<std::int64_t>()));
  }

  [[nodiscard]] TimePoint take_time_or_never(std::string_view name) {
    if (!has(name) || !object_.find(name)->is_null()) return take_time(name);
    (void)take(name);
    return kNever;
  }

  [[nodiscard]] std::string take_text(std::string_view name) { return text_of(name, take(name)); }

  [[nodiscard]] MapValue take_value(std::string_view name) {
    const json value = take(name);
    if (value.is_null()) return std::nullopt;
    return text_of(name, value);
  }

  [[nodiscard]] bool take_truth(std::string_view name) {
    const json value = take(name);
    if (!value.is_boolean()) bad(name, "neither true nor false");
    return value.get<bool>();
  }

  template <class Names>
  [[nodiscard]] auto take_name(std::string_view name, const Names& names) {
    const std::string text = take_text(name);
    for (const auto& [value, known] : names) {
      if (known == text) return value;
    }
    bad(name, fmt::format("none that is known: \"{}\"", text));
  }

  void end() const {
    if (object_.empty()) return;
    throw BadLine(fmt::format("the field \"{}\" does not belong here", object_.begin().key()));
  }

 private:
  [[noreturn]] static void bad(std::string_view name, const std::string& what) {
    throw BadLine(fmt::format("the field \"{}\" is {}", name, what));
  }

  [[nodiscard]] static std::string text_of(std::string_view name, const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_object() || value.size() != 1 || !value.contains("hex")) bad(name, "no text");
    if (!value["hex"].is_string()) bad(name, "no text");
    const auto hex = value["hex"].get<std::string>();
    if (hex.size() % 2 != 0) bad(name, "an odd number of hexadecimal digits");
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      const std::size_t high = kHexDigits.find(hex[i]);
      const std::size_t low = kHexDigits.find(hex[i + 1]);
      if (high == std::string_view::npos || low == std::string_view::npos) {
        bad(name, "not of hexadecimal digits");
      }
      bytes.push_back(static_cast<char>((high << 4U) | low));
    }
    return bytes;
  }

  json object_;
};

ClientOperation parse_line(std::string_view line) {
  Fields fields(line);
  ClientOperation operation;
  operation.client = fields.take_number("client");
  operation.kind = fields.take_name("op", kKinds);
  operation.key = fields.take_text("key");
  if (operation.kind != Kind::get && operation.kind != Kind::remove) {
    operation.value = fields.take_text("value");
  }
  if (operation.kind == Kind::compare_and_set) operation.expected = fields.take_value("expected");
  operation.invoked = fields.take_time("invoked");
  operation.completed = fields.take_time_or_never("completed");
  operation.outcome = fields.take_name("outcome", kOutcomes);
  if (fields.has("found")) operation.found = fields.take_value("found");
  if (fields.has("swapped")) operation.swapped = fields.take_truth("swapped");
  fields.end();
  if (const std::string wrong = misfit(operation); !wrong.empty()) throw BadLine(wrong);
  return operation;
}

}  // namespace

std::string to_json(const ClientOperation& operation) {
  const std::string wrong = misfit(operation);
  CORACLE_CHECK(wrong.empty(), wrong);
  ordered_json object;
  object["client"] = operation.client;
  object["op"] = name_of(kKinds, operation.kind);
  object["key"] = text_json(operation.key);
  if (operation.kind != Kind::get && operation.kind != Kind::remove) {
    object["value"] = text_json(operation.value);
  }
  if (operation.kind == Kind::compare_and_set) object["expected"] = value_json(operation.expected);
  object["invoked"] = operation.invoked.time_since_epoch().count();
  if (operation.completed == kNever) {
    object["completed"] = nullptr;
  } else {
    object["completed"] = operation.completed.time_since_epoch().count();
  }
  object["outcome"] = name_of(kOutcomes, operation.outcome);
  if (operation.found) object["found"] = value_json(*operation.found);
  if (operation.swapped) object["swapped"] = *operation.swapped;
  return object.dump();
}

std::vector<ClientOperation> parse_json_lines(std::string_view text) {
  std::vector<ClientOperation> operations;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    try {
      operations.push_back(parse_line(text.substr(0, end)));
    } catch (const BadLine& bad) {
      throw Error(std::make_error_code(std::errc::invalid_argument), "read history",
                  fmt::format("line {}: {}", number, bad.what()));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return operations;
}

}  // namespace coracle::raft::sim
