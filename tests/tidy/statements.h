// A rough parse of C++: statements and the blocks around them. It knows no types and no macros; it
// relies on our format, which sets a space before a block's brace and none before an initializer's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/tidy/source.h"

namespace tidy {

// One full expression, declaration, or head of a block. The bodies of lambdas in it are left out;
// they are statements of their own.
struct Statement {
  std::size_t line = 0;
  std::string text;
};

// From the first line of its head to its closing brace.
struct Block {
  std::size_t first_line = 0;
  std::size_t last_line = 0;
  std::string head;  // what stands before its brace, e.g. "void f(int x)"

  // True for the body of a function, or of a lambda.
  [[nodiscard]] bool is_function() const;
};

struct Parsed {
  std::vector<Statement> statements;
  std::vector<Block> blocks;
};

[[nodiscard]] Parsed parse(const Source& source);

}  // namespace tidy
