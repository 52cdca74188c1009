#include "tests/tidy/statements.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace tidy {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool ends_with_word(std::string_view text, std::string_view word) {
  if (!text.ends_with(word)) return false;
  return text.size() == word.size() || !is_word(text[text.size() - word.size() - 1]);
}

// True for the head of an if, a loop or a switch, which is a full expression (or more) of its own.
bool is_control(std::string_view text) {
  if (text.starts_with("else ")) text = trimmed(text.substr(5));
  for (std::string_view word : {"if", "for", "while", "switch"}) {
    if (text.starts_with(word) && find_word(text, word) == 0) return true;
  }
  return false;
}

// Goes through the code once, with a stack of the braces that are open.
class Parser {
 public:
  explicit Parser(const std::string& code) : code_(code) {}

  Parsed run() {
    for (; at_ < code_.size(); ++at_) {
      const char c = code_[at_];
      if (c == '{') {
        open_brace();
      } else if (c == '}') {
        close_brace();
      } else if (c == ';' && current_.depth == 0 && !in_initializer()) {
        end_statement();
      } else {
        if (c == '(' || c == '[') ++current_.depth;
        if (c == ')' || c == ']') --current_.depth;
        append(c);
        if (c == ')' && current_.depth == 0 && is_control(current_.text)) end_statement();
      }
      if (c == '\n') ++line_;
    }
    end_statement();
    return std::move(parsed_);
  }

 private:
  struct Open {
    std::size_t line = 0;
    std::size_t block_line = 0;  // where the head of a block begins: a lambda's, at its brace
    std::string text;
    int depth = 0;  // of parentheses and brackets
  };
  struct Brace {
    bool initializer = false;
    Open outer;  // what was being read when a block's brace came
  };

  void append(char c) {
    if (current_.text.empty()) {
      if (is_space(c)) return;
      current_.line = line_;
      current_.block_line = line_;
    }
    current_.text += c;
  }

  void end_statement() {
    const std::string_view text = trimmed(current_.text);
    if (!text.empty()) parsed_.statements.push_back({current_.line, std::string(text)});
    current_ = {};
  }

  [[nodiscard]] bool in_initializer() const {
    return !braces_.empty() && braces_.back().initializer;
  }

  [[nodiscard]] bool begins_initializer() const {
    const std::string_view before = trimmed(current_.text);
    if (before.empty()) return in_initializer();
    const bool adjacent = !is_space(code_[at_ - 1]);
    if (adjacent && (is_word(before.back()) || before.back() == '>')) return true;
    constexpr std::string_view kBefore = "=(,{?";
    if (kBefore.find(before.back()) != std::string_view::npos) return true;
    return ends_with_word(before, "return") || ends_with_word(before, "co_return");
  }

  void open_brace() {
    if (begins_initializer()) {
      append('{');
      braces_.push_back({true, {}});
      return;
    }
    const bool in_expression = current_.depth > 0 || in_initializer();
    if (current_.text.empty() || in_expression) current_.block_line = line_;
    braces_.push_back({false, std::exchange(current_, {})});
  }

  void close_brace() {
    if (braces_.empty()) return;
    if (in_initializer()) {
      braces_.pop_back();
      append('}');
      return;
    }
    end_statement();
    current_ = std::move(braces_.back().outer);
    braces_.pop_back();
    const std::string_view head = trimmed(current_.text);
    parsed_.blocks.push_back({current_.block_line, line_, std::string(head)});
    if (expression_goes_on()) {
      current_.text += " {}";  // a lambda's body
    } else {
      end_statement();
    }
  }

  [[nodiscard]] bool expression_goes_on() const {
    if (current_.depth > 0 || in_initializer()) return true;
    const std::size_t next = code_.find_first_not_of(" \n", at_ + 1);
    return next != std::string::npos &&
           std::string_view(";,).(").find(code_[next]) != std::string_view::npos;
  }

  const std::string& code_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  Open current_;
  std::vector<Brace> braces_;
  Parsed parsed_;
};

// The text outside of all its (...) and <...>.
std::string outside_brackets(std::string_view text) {
  std::string outside;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool arrow = c == '>' && i > 0 && text[i - 1] == '-';
    if ((c == ')' || (c == '>' && !arrow)) && depth > 0) {
      --depth;
    } else if (c == '(' || c == '<') {
      ++depth;
      outside += ' ';
    } else if (depth == 0) {
      outside += c;
    }
  }
  return outside;
}

}  // namespace

bool Block::is_function() const {
  if (head.find('(') == std::string::npos && head.find('[') == std::string::npos) return false;
  constexpr std::array<std::string_view, 11> kNoFunctions = {
      "namespace", "class", "struct", "union", "enum",  "if",
      "for",       "while", "switch", "catch", "extern"};
  const std::string outside = outside_brackets(head);
  return std::none_of(kNoFunctions.begin(), kNoFunctions.end(), [&](std::string_view word) {
    return find_word(outside, word) != std::string::npos;
  });
}

Parsed parse(const Source& source) { return Parser(source.statements_code()).run(); }

}  // namespace tidy
