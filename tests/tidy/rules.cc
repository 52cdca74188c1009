#include "tests/tidy/rules.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tests/tidy/statements.h"

namespace tidy {
namespace {

constexpr std::size_t kFileLinesMax = 400;
constexpr std::size_t kFunctionLinesMax = 60;
constexpr std::size_t kColumnsMax = 100;

// Multi-byte characters take one column.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string with_number(std::string_view text, std::size_t number, std::size_t max) {
  return std::string(text) + " " + std::to_string(number) + ", at most " + std::to_string(max);
}

// Counts how often a statement draws: calls of random(), or of a generator's own functions.
std::size_t draws(std::string_view statement) {
  std::size_t through_loop = 0;
  for (std::size_t at = find_word(statement, "random()"); at != std::string_view::npos;
       at = find_word(statement, "random()", at + 1)) {
    ++through_loop;
  }
  std::size_t through_name = 0;
  for (std::string_view call :
       {"random.next(", "random.below(", "random.between(", "random.chance(", "random_.next(",
        "random_.below(", "random_.between(", "random_.chance("}) {
    for (std::size_t at = find_word(statement, call); at != std::string_view::npos;
         at = find_word(statement, call, at + 1)) {
      ++through_name;
    }
  }
  return through_loop + through_name;
}

// Finds `Name{` or `Name<T>{`.
bool has_named_brace(std::string_view statement) {
  for (std::size_t at = statement.find('{'); at != std::string_view::npos;
       at = statement.find('{', at + 1)) {
    if (at > 0 && (is_word(statement[at - 1]) || statement[at - 1] == '>')) return true;
  }
  return false;
}

// True for "net/tcp.h" where net/CMakeLists.txt has tcp.h among its HEADERS.
bool is_public(std::string_view header, ReadList list) {
  const std::size_t slash = header.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string text = list(std::string(header.substr(0, slash)));
  const std::size_t begin = find_word(text, "HEADERS");
  const std::size_t end = std::min(find_word(text, "USES"), text.size());
  if (begin >= end) return false;
  // A space on both sides, or run.h would be found in uv/run.h.
  std::string headers = text.substr(begin, end - begin);
  std::replace(headers.begin(), headers.end(), '\n', ' ');
  return headers.find(" " + std::string(header.substr(slash + 1)) + " ") != std::string::npos;
}

}  // namespace

Findings check_sizes(const Source& source) {
  Findings findings;
  const auto& lines = source.lines();
  if (lines.size() > kFileLinesMax) {
    findings.push_back({source.path(), 0, with_number("lines:", lines.size(), kFileLinesMax)});
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns(lines[i]) > kColumnsMax) {
      findings.push_back(
          {source.path(), i + 1, with_number("columns:", columns(lines[i]), kColumnsMax)});
    }
  }
  for (const Block& block : parse(source).blocks) {
    const std::size_t length = block.last_line - block.first_line + 1;
    if (block.is_function() && length > kFunctionLinesMax) {
      findings.push_back({source.path(), block.first_line,
                          with_number("lines of a function:", length, kFunctionLinesMax)});
    }
  }
  return findings;
}

Findings check_draws(const Source& source) {
  Findings findings;
  for (const Statement& statement : parse(source).statements) {
    if (draws(statement.text) < 2) continue;
    findings.push_back({source.path(), statement.line, "draws twice in one full expression"});
  }
  return findings;
}

Findings check_awaited_braces(const Source& source) {
  Findings findings;
  for (const Statement& statement : parse(source).statements) {
    if (find_word(statement.text, "co_await") == std::string::npos) continue;
    if (!has_named_brace(statement.text)) continue;
    findings.push_back({source.path(), statement.line,
                        "`Name{` in a statement that awaits: name the object first"});
  }
  return findings;
}

Findings check_header(const Source& source) {
  Findings findings;
  if (!source.text().starts_with("// ")) {
    findings.push_back({source.path(), 1, "a header begins with a comment: what does it give?"});
  }
  if (source.code().find("#pragma once\n") == std::string::npos) {
    findings.push_back({source.path(), 0, "a header is guarded by #pragma once"});
  }
  return findings;
}

Findings check_folders(std::string_view path) {
  constexpr std::array<std::string_view, 8> kNoConcepts = {"utils",  "util", "common", "helpers",
                                                           "helper", "misc", "detail", "details"};
  std::string_view rest = path;
  for (std::size_t end = rest.find('/'); end != std::string_view::npos; end = rest.find('/')) {
    const std::string_view folder = rest.substr(0, end);
    if (std::find(kNoConcepts.begin(), kNoConcepts.end(), folder) != kNoConcepts.end()) {
      const std::string message = "a folder named " + std::string(folder) + " has no concept";
      return {{std::string(path), 0, message}};
    }
    rest.remove_prefix(end + 1);
  }
  return {};
}

Findings check_listed(std::string_view path, ReadList list) {
  std::string_view folder = path;
  while (folder.find('/') != std::string_view::npos) {
    folder = folder.substr(0, folder.rfind('/'));
    const std::string_view name = path.substr(folder.size() + 1);
    if (find_word(list(std::string(folder)), name) != std::string::npos) return {};
  }
  return {{std::string(path), 0, "no CMakeLists.txt names it, so nothing builds it"}};
}

Findings check_public_header(const Source& source, ReadList list) {
  if (!is_public(source.path(), list)) return {};
  Findings findings;
  for (const Include& include : source.includes()) {
    if (!include.target.starts_with('"')) continue;
    const std::string target = include.target.substr(1, include.target.size() - 2);
    if (is_public(target, list)) continue;
    findings.push_back({source.path(), include.line, target + " is no public header"});
  }
  return findings;
}

}  // namespace tidy
