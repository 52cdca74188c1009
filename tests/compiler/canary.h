// A canary is one shape of code in a coroutine, with what each compiler is known to make of it. It
// fails when a compiler differs from that, for the worse or for the better.
#pragma once

#include <iosfwd>
#include <string>

#include "tests/compiler/task.h"

namespace canary {

enum class Outcome {
  right,
  destroyed_twice,  // more objects destroyed than born
  leaked,           // fewer
  misused,          // an object used that was moved from or destroyed
  dangling,         // an object's life ended before its user came
  failed,           // an exception nobody expected
  crash,
};

std::ostream& operator<<(std::ostream& out, Outcome outcome);

// Debian 12's g++. Every other compiler, and newer versions of this one, are expected to be right.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12
inline constexpr bool kGcc12 = true;
#else
inline constexpr bool kGcc12 = false;
#endif

struct Canary {
  std::string shape;  // as it stands in the code
  Task<> (*code)();
  Outcome with_gcc12;
  Outcome elsewhere;
  bool (*dangles)() = nullptr;  // for shapes whose fault lies in the order of things
};

// How a failing test names the canary.
void PrintTo(const Canary& canary, std::ostream* out);

// Runs the shape in a process of its own, which may crash.
Outcome seen(const Canary& canary);

}  // namespace canary
