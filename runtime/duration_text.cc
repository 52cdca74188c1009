#include "runtime/duration_text.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace coracle {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}, {"us", 1us}, {"ns", 1ns}}};

struct NumberAndUnit {
  std::int64_t number = 0;
  std::string_view unit;
};

// Digits, and whatever follows them.
std::optional<NumberAndUnit> split(std::string_view text) {
  if (text.empty() || text.front() == '-') return std::nullopt;
  NumberAndUnit parts;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, parts.number);
  if (error != std::errc()) return std::nullopt;
  parts.unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  return parts;
}

std::optional<Duration> multiply(std::int64_t number, std::string_view unit) {
  if (number == 0 && unit.empty()) return Duration::zero();
  for (const Unit& known : kUnits) {
    if (unit != known.name) continue;
    if (number > Duration::max() / known.length) return std::nullopt;
    return number * known.length;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto parts = split(text);
  return parts ? multiply(parts->number, parts->unit) : std::nullopt;
}

std::string print_duration(Duration duration) {
  if (duration == Duration::zero()) return "0";
  for (const Unit& unit : kUnits) {
    if (duration % unit.length != Duration::zero()) continue;
    return std::to_string(duration / unit.length).append(unit.name);
  }
  return {};  // not reached: everything is a whole number of nanoseconds
}

std::optional<DurationRange> parse_duration_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) {
    const auto only = parse_duration(text);
    if (!only) return std::nullopt;
    return DurationRange{*only, *only};
  }
  const auto first = split(text.substr(0, dash));
  const auto second = split(text.substr(dash + 1));
  if (!first || !second) return std::nullopt;
  // `150-300ms`: the first number has the unit of the second.
  const auto shortest = multiply(first->number, first->unit.empty() ? second->unit : first->unit);
  const auto longest = multiply(second->number, second->unit);
  if (!shortest || !longest || *shortest > *longest) return std::nullopt;
  return DurationRange{*shortest, *longest};
}

std::string print_duration_range(const DurationRange& range) {
  std::string longest = print_duration(range.longest);
  if (range.shortest == range.longest) return longest;
  return print_duration(range.shortest).append("-").append(longest);
}

}  // namespace coracle
