#include "tests/tidy/source.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace tidy {
namespace {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Where the literal or comment that begins at `begin` ends; `begin` itself where none does.
std::size_t end_of_comment(std::string_view text, std::size_t begin) {
  const std::string_view start = text.substr(begin, 2);
  if (start == "//") return std::min(text.find('\n', begin), text.size());
  if (start != "/*") return begin;
  const std::size_t end = text.find("*/", begin + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

std::size_t end_of_raw_string(std::string_view text, std::size_t quote) {
  const std::size_t open = text.find('(', quote);
  if (open == std::string_view::npos) return text.size();
  const std::string close = ")" + std::string(text.substr(quote + 1, open - quote - 1)) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

std::size_t end_of_literal(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  if (quote != '"' && quote != '\'') return begin;
  const bool after_word = begin > 0 && is_word(text[begin - 1]);
  if (quote == '"' && after_word && text[begin - 1] == 'R') return end_of_raw_string(text, begin);
  if (quote == '\'' && after_word) return begin;  // 1'000'000
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

void blank(std::string& text, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

std::string without_comments_and_literals(const std::string& text) {
  std::string code = text;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t comment = end_of_comment(text, i);
    const std::size_t literal = end_of_literal(text, i);
    if (comment > i) {
      blank(code, i, comment);
    } else if (literal > i + 1) {
      blank(code, i + 1, literal - 1);  // the quotes stay: something stands here
    }
    i = std::max({i + 1, comment, literal});
  }
  return code;
}

std::string without_preprocessor(std::string code) {
  bool continued = false;
  for (std::size_t begin = 0; begin < code.size();) {
    const std::size_t end = std::min(code.find('\n', begin), code.size());
    const std::size_t first = code.find_first_not_of(' ', begin);
    const bool directive = continued || (first < end && code[first] == '#');
    continued = directive && end > begin && code[end - 1] == '\\';
    if (directive) blank(code, begin, end);
    begin = end + 1;
  }
  return code;
}

std::vector<Include> find_includes(const std::vector<std::string_view>& lines) {
  constexpr std::string_view kInclude = "#include ";
  std::vector<Include> includes;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with(kInclude)) continue;
    const std::string_view rest = lines[i].substr(kInclude.size());
    if (rest.empty()) continue;
    const std::size_t close = rest.find(rest[0] == '<' ? '>' : '"', 1);
    includes.push_back({i + 1, std::string(rest.substr(0, close + 1))});
  }
  return includes;
}

}  // namespace

Source::Source(std::string path, std::string text)
    : path_(std::move(path)),
      text_(std::move(text)),
      code_(without_comments_and_literals(text_)),
      statements_code_(without_preprocessor(code_)),
      lines_(split_lines(text_)),
      includes_(find_includes(lines_)) {}

std::string_view Source::layer() const {
  return std::string_view(path_).substr(0, path_.find('/'));
}

bool Source::in(std::string_view folder) const {
  return path_.size() > folder.size() && path_.starts_with(folder) && path_[folder.size()] == '/';
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t find_word(std::string_view text, std::string_view word, std::size_t from) {
  for (std::size_t at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_word(text[at - 1]) || !is_word(word.front());
    const bool ends = end == text.size() || !is_word(text[end]) || !is_word(word.back());
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

std::size_t line_at(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, position);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

}  // namespace tidy
