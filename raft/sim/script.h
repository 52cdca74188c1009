// A scenario's text, line by line: words, with what they mean read one after the other. What is
// wrong with a line is said with its number, and what it could have been.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "raft/types.h"
#include "runtime/duration_text.h"
#include "runtime/time.h"

namespace coracle::raft::sim {

// What is wrong with a line of a script.
class ScriptError : public std::runtime_error {
 public:
  ScriptError(std::size_t line, const std::string& message)
      : std::runtime_error(message), line_(line) {}

  [[nodiscard]] std::size_t line() const { return line_; }

 private:
  std::size_t line_;
};

// One line, without its comment.
struct Line {
  std::size_t number = 0;
  std::string text;
  std::vector<std::string> words;
};

// Returns    the lines that say something.
[[nodiscard]] std::vector<Line> split_lines(std::string_view text);

// Returns    the comment at the beginning, without its marks: what the script proves.
[[nodiscard]] std::string opening_comment(std::string_view text);

// The servers of a script, by the names that it gives them.
class Cast {
 public:
  void add(const std::string& name, ServerId id) { ids_[name] = id; }
  // Returns    whose name it is; nothing if nobody's.
  [[nodiscard]] std::optional<ServerId> find(std::string_view name) const;
  [[nodiscard]] std::vector<ServerId> all() const;
  // Returns    "A, B, C".
  [[nodiscard]] std::string names() const;

 private:
  std::map<std::string, ServerId, std::less<>> ids_;
};

// `term>=2`: a name, how it compares, and with what.
struct Comparison {
  std::string name;
  std::string sign;  // = != < <= > >=
  std::string value;
};

// Reads the words of one line in their order. Each function fails with a ScriptError where the next
// word is not what it wants.
class Words {
 public:
  // `usage` is what the line could have been. Borrows both.
  Words(const Line& line, const Cast& cast) : line_(line), cast_(cast) {}

  [[noreturn]] void fail(const std::string& what) const;
  void set_usage(std::string_view usage) { usage_ = usage; }

  [[nodiscard]] std::size_t number() const { return line_.number; }
  [[nodiscard]] const std::string& text() const { return line_.text; }
  [[nodiscard]] const Cast& cast() const { return cast_; }
  [[nodiscard]] bool done() const { return next_ == line_.words.size(); }
  // Fails unless all words have been read.
  void end() const;

  // Returns    whether the next word is this one, which is then read.
  bool take(std::string_view word);
  // Returns    the next word; `what` says what it should be.
  std::string_view next(std::string_view what);
  [[nodiscard]] std::string_view peek() const;

  ServerId server();
  std::vector<ServerId> servers();  // A,B or all; a colon may end it
  Duration duration();
  std::uint64_t count();
  // Returns    the next word, if it is of the form name=value, for one of these names.
  std::optional<Comparison> comparison();

  // Read a value that stands behind a `=`.
  ServerId server_of(std::string_view text) const;
  std::vector<ServerId> servers_of(std::string_view text) const;
  Duration duration_of(std::string_view text) const;
  DurationRange range_of(std::string_view text) const;
  std::uint64_t number_of(std::string_view text) const;
  std::int64_t millionths_of(std::string_view text) const;  // 1.5 is 1,500,000
  bool switch_of(std::string_view text) const;              // on or off
  std::vector<std::string> list_of(std::string_view text) const;

 private:
  const Line& line_;
  const Cast& cast_;
  std::string_view usage_;
  std::size_t next_ = 0;
};

}  // namespace coracle::raft::sim
