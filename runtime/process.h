// Child processes.
//
//   ProcessOptions options("sort", {"-n"});
//   options.input = options.output = ChildStream::pipe;
//   Process sort = Process::spawn(options);
//   co_await sort.input().write(bytes);
//   sort.input().close();
//   while (const std::size_t count = co_await sort.output().read(buffer)) { ... }
//   const ExitStatus status = co_await sort.wait();
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/child.h"
#include "runtime/leaf.h"
#include "runtime/pipe_reader.h"
#include "runtime/pipe_writer.h"

namespace coracle {

class WaitForExitOperation;

// One child process. Belongs to one loop. Linux only (it needs pidfd_open, Linux 5.3).
class Process {
 public:
  // Starts a process, with all signals at their default action and none of our descriptors but the
  // three streams. Blocks the loop until the program is loaded, about a millisecond.
  //   Throws     Error `start PROGRAM: No such file or directory`, or when the system gives no
  //              process.
  //   Requires   a current loop.
  [[nodiscard]] static Process spawn(const ProcessOptions& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Kills it (SIGKILL) if it runs. run() does not return before it is gone: there is never a zombie
  // or an orphan. Its own children are its own affair.
  //   Requires   that nobody waits for it.
  ~Process();

  [[nodiscard]] int pid() const;

  // Returns    how it ended; nothing while it runs, or while the loop has not seen its end.
  [[nodiscard]] std::optional<ExitStatus> status() const;

  // Sends a signal.
  //   Returns    false if it has ended.
  //   Requires   a signal that exists.
  bool kill(int signal);

  // Waits for its end.
  //   Returns    how it ended; at once if it has, as often as asked. What it wrote may still be
  //              in the pipes.
  //   Canceled   throws; the process goes on.
  //   Borrows    this process until it returns; it may be moved.
  //   Requires   no other wait in progress.
  [[nodiscard]] WaitForExitOperation wait();

  // Our ends of its streams. They may be moved out, and live longer than the process.
  //   Requires   ChildStream::pipe for this stream.
  [[nodiscard]] PipeWriter& input();
  [[nodiscard]] PipeReader& output();
  [[nodiscard]] PipeReader& error();

 private:
  friend class WaitForExitOperation;
  class State;

  explicit Process(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
  std::optional<PipeWriter> input_;
  std::optional<PipeReader> output_;
  std::optional<PipeReader> error_;
};

// What Process::wait() returns; await it.
class [[nodiscard]] WaitForExitOperation final : public Leaf {
 public:
  explicit WaitForExitOperation(Process::State& process) : process_(process) {}

  [[nodiscard]] bool try_complete() const;
  void start();
  [[nodiscard]] ExitStatus take() const;
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "the end of a process"; }

 private:
  friend class Process::State;

  Process::State& process_;
};

// Returns    the path of the program that this process runs, to start it again.
//   Throws     Error when the system does not say.
//   Requires   a current loop.
[[nodiscard]] std::string this_program();

}  // namespace coracle
