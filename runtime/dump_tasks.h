// The live tree of tasks: groups, fibers, and the chain of awaits that each one is in.
#pragma once

#include <iosfwd>
#include <string>

namespace coracle {

class Fiber;

// Prints every fiber of the current loop, children below the fiber whose group they are in; for
// each its name, its state, the file and line of each await from the outermost inward, and what
// the innermost one waits for.
//   Throws     what the stream throws.
//   Requires   a current loop.
void dump_tasks(std::ostream& stream);

// The awaits that a suspended fiber is in, for a log line: `main.cc:20>serve.cc:7`, from the
// outermost inward, of a long chain the innermost ones. Empty for a fiber that has ended.
[[nodiscard]] std::string await_chain(const Fiber& fiber);

// The lines of one fiber in dump_tasks().
[[nodiscard]] std::string describe_fiber(const Fiber& fiber);

}  // namespace coracle
