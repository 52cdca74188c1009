// The seam below the runtime: what a loop needs from the world. Two implementations: libuv (uv/)
// and simulation. Nothing above this page knows which one it has.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/time.h"
#include "runtime/wall_time.h"

namespace coracle {

class BlockingRequest;
class Child;
class ChildSink;
class FileRequest;
class Loop;
class PipeEnd;
class Request;
struct ChildPipes;
struct FileCall;
struct ProcessOptions;

// Who is told of a signal.
class SignalSink {
 public:
  virtual void signaled(int number) = 0;

 protected:
  ~SignalSink() = default;
};

// A watch on a signal. Destroying it ends the watch; with the last watch on a signal, its default
// action is restored.
class SignalWatch {
 public:
  SignalWatch() = default;
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  virtual ~SignalWatch() = default;
};

class BackEnd {
 public:
  BackEnd() = default;
  BackEnd(const BackEnd&) = delete;
  BackEnd& operator=(const BackEnd&) = delete;
  virtual ~BackEnd() = default;

  // Becomes the back end of `loop`, before anything else here is called.
  virtual void serve(Loop& loop) = 0;

  // Polls once: lets what was begun complete, and runs what was posted; waits for it until
  // `earliest` at most, if it may wait.
  virtual void poll(TimePoint earliest, bool may_wait) = 0;

  // Reads the monotonic clock anew.
  [[nodiscard]] virtual TimePoint now() = 0;

  // Reads the clock of the time of day.
  [[nodiscard]] virtual WallTime wall_time() = 0;

  // A clock for measuring how long something ran, at the least cost: it may step by some
  // milliseconds (at most 10), and does not count time in which the whole system was suspended. In
  // a simulation no time passes while something runs.
  [[nodiscard]] virtual Duration rough_time() = 0;

  // Makes a poll that waits (or the next one) return, so that posted work is run. The only
  // function here that any thread may call.
  virtual void wake() = 0;

  // Tells `sink` of each signal `number` that arrives, on the loop's thread, until the watch is
  // destroyed. Throws Error when the signal cannot be watched (SIGKILL).
  [[nodiscard]] virtual std::unique_ptr<SignalWatch> watch_signal(int number, SignalSink& sink) = 0;

  // Has `request` performed on a thread that may block, and then calls its ended().
  virtual void perform_blocking(BlockingRequest& request) = 0;

  // The same for a file operation: its FileCall says what to do, its FileResult is filled.
  virtual void perform_file(FileRequest& request) = 0;

  // If `request` has not begun, it never will, and its ended(false) is called soon (not from
  // here). If it has begun, nothing: ended(true) comes when it is done.
  virtual void cancel(Request& request) = 0;

  // For a crash: returns when nothing uses `request` any more, blocking this thread while it is
  // being performed. Its ended() is not called.
  //   Returns    whether it was performed.
  virtual bool abandon(Request& request) = 0;

  // Closes a descriptor that FileAction::open or FileAction::lock gave.
  virtual void close_file(int descriptor) noexcept = 0;

  // Starts a child process, and fills `pipes` with our ends of its streams. `sink` is told once,
  // on the loop's thread, when it has ended, unless the child is destroyed before.
  // Throws Error when there can be none.
  [[nodiscard]] virtual std::unique_ptr<Child> spawn_child(const ProcessOptions& options,
                                                           ChildSink& sink, ChildPipes& pipes) = 0;

  // The reading end that this process has as its standard input.
  [[nodiscard]] virtual std::unique_ptr<PipeEnd> standard_input() = 0;

  // The path of the program that this process runs.
  [[nodiscard]] virtual std::string program_path() = 0;

  // For tests: has `observer` called before each file operation that a fiber begins, on the loop's
  // thread, while the operations before it that were waited for have taken effect. The datasync of
  // a durable write is not seen. What it does is up to the test: count, or `_exit` at the nth; it
  // does not throw. An empty function ends it.
  void observe_files(std::function<void(const FileCall&)> observer) {
    file_observer_ = std::move(observer);
  }
  [[nodiscard]] const std::function<void(const FileCall&)>& file_observer() const {
    return file_observer_;
  }

  // A check failed on this loop: says what this back end knows of the circumstances (a simulation:
  // seed, host, virtual time) on standard error. The caller then aborts.
  virtual void check_failed(std::string_view message) = 0;

 private:
  std::function<void(const FileCall&)> file_observer_;
};

}  // namespace coracle
