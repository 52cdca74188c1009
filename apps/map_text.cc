#include "apps/map_text.h"

#include <algorithm>
#include <limits>

#include "net/describe_value.h"

namespace coracle::demo {
namespace {

bool is_plain(char letter) {
  return letter > ' ' && letter <= '~' && letter != '=' && letter != '"' && letter != '\\';
}

}  // namespace

std::string map_text(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  return net::quoted(text, std::numeric_limits<std::size_t>::max());
}

std::string map_lines(const MapPairs& pairs) {
  std::string lines;
  for (const auto& [key, value] : pairs) lines += map_text(key) + "=" + map_text(value) + "\n";
  return lines;
}

std::string map_in_a_line(const MapPairs& pairs) {
  std::string line;
  for (const auto& [key, value] : pairs) {
    line += (line.empty() ? "" : " ") + map_text(key) + "=" + map_text(value);
  }
  return "{" + line + "}";
}

}  // namespace coracle::demo
