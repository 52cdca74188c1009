// One source file as the tidy rules see it: its text, and its code without comments and literals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

// What a rule found, and where.
struct Finding {
  std::string path;
  std::size_t line = 0;  // counted from 1; 0 where the whole file is meant
  std::string message;
};

struct Include {
  std::size_t line = 0;
  std::string target;  // "net/tcp.h" with its quotes, or <vector> with its brackets
};

class Source {
 public:
  // Takes a file's path from the root, with forward slashes, and its whole text.
  Source(std::string path, std::string text);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  // The text with comments, and what literals hold, turned into spaces. Lines stay where they are.
  [[nodiscard]] const std::string& code() const { return code_; }

  // The same without preprocessor lines.
  [[nodiscard]] const std::string& statements_code() const { return statements_code_; }

  [[nodiscard]] const std::vector<std::string_view>& lines() const { return lines_; }
  [[nodiscard]] const std::vector<Include>& includes() const { return includes_; }

  // The first folder of the path, e.g. "net".
  [[nodiscard]] std::string_view layer() const;

  // True where the path lies in `folder`, e.g. "net/uv".
  [[nodiscard]] bool in(std::string_view folder) const;

 private:
  std::string path_;
  std::string text_;
  std::string code_;
  std::string statements_code_;
  std::vector<std::string_view> lines_;
  std::vector<Include> includes_;
};

[[nodiscard]] bool is_word(char c);

// Finds `word` from `from` on, where it is neither the beginning nor the end of a longer name.
//   Returns    its position; npos when it does not occur.
[[nodiscard]] std::size_t find_word(std::string_view text, std::string_view word,
                                    std::size_t from = 0);

// Counts lines from 1.
[[nodiscard]] std::size_t line_at(std::string_view text, std::size_t position);

}  // namespace tidy
