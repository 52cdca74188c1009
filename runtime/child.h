// A child process as it is asked for, and as the back end gives it. Users have process.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/pipe_end.h"

namespace coracle {

// What one of a child's three streams is.
enum class ChildStream : std::uint8_t {
  inherit,  // the same as ours
  null,     // nothing: reads end at once, what is written is lost
  pipe,     // we have the other end
};

// How to start a child process.
struct ProcessOptions {
  // `program_path` without a slash is looked for in PATH. `program_arguments` do not begin with
  // the program itself.
  explicit ProcessOptions(std::string program_path, std::vector<std::string> program_arguments = {})
      : program(std::move(program_path)), arguments(std::move(program_arguments)) {}

  std::string program;
  std::vector<std::string> arguments;
  // Added to our own environment, or in place of what has the same name there.
  std::vector<std::pair<std::string, std::string>> environment;
  ChildStream input = ChildStream::inherit;
  ChildStream output = ChildStream::inherit;
  ChildStream error = ChildStream::inherit;
  // The kernel kills it when the thread that started it ends, in any way: by SIGKILL, too.
  bool dies_with_parent = true;
  // It is in a process group of its own: what a terminal sends on Ctrl-C does not reach it.
  bool own_group = false;
};

// How a process ended: with an exit code, or by a signal.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0 unless a signal ended it

  [[nodiscard]] bool success() const { return code == 0 && signal == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// Our ends of the streams that were to be pipes.
struct ChildPipes {
  std::unique_ptr<PipeEnd> input;
  std::unique_ptr<PipeEnd> output;
  std::unique_ptr<PipeEnd> error;
};

// Who is told that a child has ended.
class ChildSink {
 public:
  virtual void child_ended(ExitStatus status) = 0;

 protected:
  ChildSink() = default;
  ChildSink(const ChildSink&) = default;
  ChildSink& operator=(const ChildSink&) = default;
  ~ChildSink() = default;
};

// A child of this process. Destroying it while it runs kills it (SIGKILL); the loop does not end
// before it is gone.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  virtual ~Child() = default;

  [[nodiscard]] virtual int pid() const = 0;
  // Returns    false if it has ended.
  virtual bool kill(int signal) = 0;
};

}  // namespace coracle
