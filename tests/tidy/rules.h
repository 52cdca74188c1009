// The rules of the tree, each a function from files to findings. tidy_test.cc proves each on a bad
// snippet, and then runs all of them over the tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source.h"

namespace tidy {

using Findings = std::vector<Finding>;

// Arrows go one way: apps -> raft -> net -> runtime. Back ends are known to their factory only, and
// raft knows net in its transport only.
[[nodiscard]] Findings check_directions(const Source& source);

// A file has at most 400 lines, a function 60, a line 100 columns.
[[nodiscard]] Findings check_sizes(const Source& source);

// No clock, random source, socket or file is used outside the back ends.
[[nodiscard]] Findings check_outside_world(const Source& source);

// No full expression draws twice from random(): compilers order the draws differently.
[[nodiscard]] Findings check_draws(const Source& source);

// No statement that awaits has `Name{` in it: g++ 12 destroys such a temporary twice.
[[nodiscard]] Findings check_awaited_braces(const Source& source);

// A header begins with a comment, which says what it gives, and is guarded by #pragma once.
[[nodiscard]] Findings check_header(const Source& source);

// A folder is named after a concept.
[[nodiscard]] Findings check_folders(std::string_view path);

// Gives the text of a folder's CMakeLists.txt, or nothing.
using ReadList = std::string (*)(const std::string& folder);

// A source is named in the CMakeLists.txt of its folder, or of one above it.
[[nodiscard]] Findings check_listed(std::string_view path, ReadList list);

// A header among a layer's HEADERS includes, of ours, only such headers: users get no others.
[[nodiscard]] Findings check_public_header(const Source& source, ReadList list);

}  // namespace tidy
