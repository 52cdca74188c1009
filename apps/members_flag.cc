#include "apps/members_flag.h"

#include <charconv>

namespace coracle::demo {
namespace {

std::optional<Members::value_type> parse_member(std::string_view text) {
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stop == end || *stop != '=' || id == 0) return std::nullopt;
  const auto at = static_cast<std::size_t>(stop - text.data());
  const auto address = net::Address::parse(text.substr(at + 1));
  if (!address) return std::nullopt;
  return Members::value_type(id, *address);
}

}  // namespace

std::optional<Members> parse_members(std::string_view text) {
  Members members;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto member = parse_member(text.substr(0, comma));
    if (!member || !members.insert(*member).second) return std::nullopt;
    if (comma == std::string_view::npos) return members;
    text.remove_prefix(comma + 1);
  }
}

std::string print_members(const Members& members) {
  std::string text;
  for (const auto& [id, address] : members) {
    if (!text.empty()) text += ',';
    text += std::to_string(id) + '=' + address.to_string();
  }
  return text;
}

}  // namespace coracle::demo
