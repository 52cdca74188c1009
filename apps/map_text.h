// Keys and values of the map as people read them.
#pragma once

#include <string>
#include <string_view>

#include "apps/map_messages.h"

namespace coracle::demo {

// Returns    the text as it is if it is one word of printable ASCII without `=` and quotation
//            marks; else in quotation marks, with escapes.
[[nodiscard]] std::string map_text(std::string_view text);

// Returns    `key=value` for each pair, a line each.
[[nodiscard]] std::string map_lines(const MapPairs& pairs);

// Returns    the same in one line: `{a=1 b=2}`.
[[nodiscard]] std::string map_in_a_line(const MapPairs& pairs);

}  // namespace coracle::demo
