// The servers of a cluster as they stand on a command line: `1=127.0.0.1:7101,2=127.0.0.1:7102`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"

namespace coracle::demo {

using Members = std::map<std::uint64_t, net::Address>;

// Reads a list of `id=address`, separated by commas; ids are whole numbers from 1.
//   Returns    the members; nothing if the text is not of this form, or names an id twice.
[[nodiscard]] std::optional<Members> parse_members(std::string_view text);

// Returns    what parse_members() reads.
[[nodiscard]] std::string print_members(const Members& members);

}  // namespace coracle::demo
